from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import describable, samples
from train.realism import QUANTILES, Benign, _even_share, benign_windows, judge_realism


def test_another_world_is_told_apart_by_what_differs(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=50)
    found = judge_realism(benign_windows(tmp_path, index.entries), trees=40)
    assert found is not None
    assert found.auc > 0.95
    assert next(iter(found.giveaways)) == next(iter(found.alone)) == "src2dst_max_ps"
    assert sum(found.giveaways.values()) == pytest.approx(1, abs=0.01)
    assert (found.lab_windows, found.real_windows, found.real_origins) == (72, 72, 6)


def test_the_same_world_is_not(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1, each=25)
    found = judge_realism(benign_windows(tmp_path, index.entries), trees=40)
    assert found is not None
    assert 0.35 < found.auc < 0.65
    assert not found.real_networks  # none has so many captures


def test_no_origin_and_no_capture_of_the_lab_drowns_the_rest(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1)
    index = index.model_copy(update={"entries": index.entries[4:]})  # five origins beside six captures
    benign = benign_windows(tmp_path, index.entries, cap_windows=6)
    names, counts = np.unique(benign.groups, return_counts=True)
    assert len(names) == 5 + 6
    assert {name.split()[0]: count for name, count in zip(names, counts.tolist(), strict=True)} == {
        "real": 6,
        "lab": 5,
    }


def test_a_real_network_is_held_against_the_other_real_ones() -> None:
    captures = np.repeat([f"{name}/{number}" for name in "abcdefgh" for number in range(60)], 2)
    groups = np.array([f"lab {name}" if name[0] in "gh" else f"real {name[0]}" for name in captures])
    sequences = samples.windows([0] * len(captures), 7).sequences
    sequences[groups == "real a", :, SCHEMA.index("src2dst_max_ps")] *= 50
    lab = np.char.startswith(groups, "lab")
    found = judge_realism(Benign(np.abs(sequences), lab, groups, captures), trees=40)
    assert found is not None
    assert set(found.real_networks) == set("abcdef")
    assert next(iter(found.real_networks)) == "a"
    assert found.real_networks["a"] > 0.95
    assert 0.3 < found.real_networks["b"] < 0.7


@given(counts=st.lists(st.integers(0, 50), max_size=9), total=st.integers(0, 200))
def test_shares_are_as_even_as_can_be(counts: list[int], total: int) -> None:
    share = _even_share(sorted(counts), total)
    assert sum(min(count, share) for count in counts) <= total
    if sum(counts) > total:
        assert sum(min(count, share + 1) for count in counts) > total


def test_captures_made_of_others_are_neither(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1)
    made = [entry.model_copy(update={"made_from": ("x",)}) for entry in index.entries[:4]]
    benign = benign_windows(tmp_path, [*made, *index.entries[4:]])
    assert "real home-0" not in benign.groups
    assert "real home-1" in benign.groups


def test_quantiles_are_of_each_kind(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=50)
    found = benign_windows(tmp_path, index.entries).quantiles()
    assert list(found) == list(SCHEMA.names)
    lab, real = (found["src2dst_max_ps"][kind] for kind in ("lab", "real"))
    assert len(lab) == len(QUANTILES)
    assert lab == sorted(lab)
    assert lab[2] > 10 * real[2]


def test_too_little_gives_no_number(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1)
    real = [entry for entry in index.entries if entry.layout != "lab"]
    assert judge_realism(benign_windows(tmp_path, real)) is None
    few = describable.write(tmp_path / "few", factor=1, each=2)
    assert judge_realism(benign_windows(tmp_path / "few", few.entries)) is None


def test_no_window_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no benign window"):
        benign_windows(tmp_path, samples.index().entries)
