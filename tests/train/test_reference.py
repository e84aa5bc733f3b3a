"""The record of a training set: benign windows alone, weighted, and what differs between its networks."""

import numpy as np
import pytest

from detector.drift import Drift
from detector.features import SCHEMA
from detector.records import CATEGORIES, FACTS_DTYPE, Category, Verdict, WindowBatch
from tests.train import samples
from train.datasets import Dataset, join
from train.reference import BINS, record_of

BENIGN = CATEGORIES.index(Category.BENIGN)


def benign(origins: int, each: int = 200, factors: dict[int, float] | None = None) -> Dataset:
    """Return benign windows of several origins; the numbers of some are larger by a factor."""
    parts = []
    for origin in range(origins):
        part = samples.windows([BENIGN] * each, seed=origin)
        part.sequences[:] *= (factors or {}).get(origin, 1.0)
        parts.append(part)
    return join(parts, [samples.entry(f"origin-{origin}", "Benign") for origin in range(origins)])


def drifting(training: Dataset, seen: Dataset) -> list[str]:
    drift = Drift(SCHEMA.names, record_of(training))
    for _ in range(-(-1000 // len(seen))):
        windows = WindowBatch(seen.sequences, seen.windows.facts)
        drift.count(
            windows, [Verdict(Category.BENIGN, 1.0, (), False, np.zeros(1, FACTS_DTYPE)[0])] * len(seen)
        )
    return drift.drifting()


def test_every_feature_has_deciles() -> None:
    record = record_of(benign(3))
    assert len(record) == len(SCHEMA)
    for name, each in zip(SCHEMA.names, record, strict=True):
        if name == "mask":
            assert (each.edges, each.shares) == ((), (1.0,))
        else:
            assert len(each.edges) == BINS - 1
            assert each.shares == pytest.approx([1 / BINS] * BINS, abs=0.01)


def test_attacks_are_not_in_the_record() -> None:
    training = samples.dataset(origins=2, each=60)
    kept = np.flatnonzero(training.labels == BENIGN)
    alone = Dataset(training.windows[kept], training.captures[kept], training.entries)
    mixed, pure = record_of(training), record_of(alone)
    assert mixed[samples.SIGNAL].edges[-1] < 10 * samples.LEVELS[BENIGN]
    assert [each.edges for each in mixed] == [each.edges for each in pure]


def test_without_a_benign_window_there_is_no_record() -> None:
    attacks = join([samples.windows([1, 2, 3])], [samples.entry("one", "DoS")])
    assert record_of(attacks) == ()


def test_windows_of_one_network_do_not_drown_the_others() -> None:
    parts = [samples.windows([BENIGN] * count, seed=count) for count in (4000, 100)]
    parts[1].sequences[:, :, samples.SIGNAL] = 1e9
    training = join(parts, [samples.entry("large", "Benign"), samples.entry("small", "Benign")])
    assert record_of(training)[samples.SIGNAL].shares[-1] == pytest.approx(0.5, abs=0.11)


def test_what_differs_between_its_networks_is_usual() -> None:
    alike, apart = record_of(benign(4)), record_of(benign(4, factors={1: 30.0}))
    column = SCHEMA.index("src2dst_bytes")
    assert alike[column].usual < 0.25
    assert apart[column].usual > 1.0


def test_of_one_network_nothing_is_known_to_be_usual() -> None:
    assert {each.usual for each in record_of(benign(1))} == {0.0}


def test_networks_with_hardly_a_window_do_not_say_what_is_usual() -> None:
    def usual(windows: int) -> float:
        strange = samples.windows([BENIGN] * windows, seed=99)
        strange.sequences[:] *= 1000
        alike = [samples.windows([BENIGN] * 200, seed) for seed in range(3)]
        training = join([*alike, strange], [samples.entry(name, "Benign") for name in "abcd"])
        return record_of(training)[SCHEMA.index("src2dst_bytes")].usual

    assert usual(50) > 2 * usual(49)


def test_a_network_like_those_does_not_drift_and_another_does() -> None:
    assert drifting(benign(4), benign(1)) == []
    assert len(drifting(benign(4), benign(1, factors={0: 30.0}))) > len(SCHEMA) / 2
    assert drifting(benign(4, factors={1: 30.0, 2: 30.0}), benign(1, factors={0: 30.0})) == []
