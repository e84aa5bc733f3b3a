from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy")
pytest.importorskip("sklearn")

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import samples
from train.worth import Worth, best, groups, lines, measure, read_worth

pytestmark = pytest.mark.tensorflow

UNSEEN = samples.dataset(origins=2, each=15, seed=50)


class Reads:
    """Tells the class from the signal of the newest flow, and looks at nothing else."""

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        level = np.log10(np.maximum(sequences[:, -1, samples.SIGNAL], 1.0))
        apart = -np.square(level[:, None] - np.log10(samples.LEVELS))
        powers = np.exp(3.0 * apart)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def worth() -> Worth:
    return measure(UNSEEN, {"reads": Reads()}, mask=samples.MASK)


def test_what_the_model_reads_is_worth_something_and_nothing_else_is(worth: Worth) -> None:
    first, *rest = worth.groups
    assert SCHEMA.names[samples.SIGNAL] in first.features
    assert first.worth["reads"].loss > 0.5
    assert first.worth["reads"].macro_f1 > 0.3
    assert all(group.worth["reads"].loss == 0.0 for group in rest)


def test_every_feature_but_the_mask_is_in_one_group(worth: Worth) -> None:
    named = [name for group in worth.groups for name in group.features]
    assert sorted(named) == sorted(set(SCHEMA.names) - {"mask"})
    assert worth.judged_on == ("origin-0", "origin-1")


def test_features_that_go_together_are_grouped() -> None:
    sequences = UNSEEN.sequences.copy()
    sequences[:, :, 4] = 3.0 * sequences[:, :, 7] + 1.0
    found = groups(sequences, samples.MASK)
    assert [4, 7] in found
    assert sum(map(len, found)) == len(SCHEMA) - 1


def test_a_feature_that_never_varies_is_a_group_of_its_own() -> None:
    sequences = UNSEEN.sequences.copy()
    sequences[:, :, [2, 3]] = 0.0
    found = groups(sequences, samples.MASK)
    assert [2] in found
    assert [3] in found


def test_the_same_seed_measures_the_same(worth: Worth) -> None:
    assert measure(UNSEEN, {"reads": Reads()}, mask=samples.MASK) == worth


def test_the_best_come_first_and_the_file_holds_all(worth: Worth, tmp_path: Path) -> None:
    assert best(worth, 3)[0] == SCHEMA.names[samples.SIGNAL]
    assert len(best(worth, 3)) == 3
    path = tmp_path / "worth.json"
    path.write_text(worth.model_dump_json())
    assert read_worth(path) == worth
    told = lines(worth)
    assert len(told) == 2 + len(worth.groups)
    assert told[1].split() == ["reads", "sd", "macro-F1", "without"]
    assert SCHEMA.names[samples.SIGNAL] in told[2]
    assert "+-" not in "".join(told)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "worth.json").write_text("{")
    with pytest.raises(UsageError, match=r"worth\.json: no readable worth of features"):
        read_worth(tmp_path / "worth.json")
