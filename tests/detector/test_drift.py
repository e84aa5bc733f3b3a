"""Drift: silent where nothing changed, loud where it did, and in between as the record says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.bundle import Distribution
from detector.drift import MIN_WINDOWS, Drift, histogram, padded_edges, stability_index
from detector.records import FACTS_DTYPE, Category, Verdict, WindowBatch

NAMES = ("size", "rate", "flag", "gap")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
DECILES = tuple(float(-np.log(1 - share / 10)) for share in range(1, 10))
"""Of the exponential distribution with mean 1."""


def record(usual: float = 0.0) -> list[Distribution]:
    """Three features of an exponential distribution, and a flag that a fifth of the flows have."""
    exponential = Distribution(edges=DECILES, shares=(0.1,) * 10, usual=usual)
    flag = Distribution(edges=(0.0,), shares=(0.8, 0.2), usual=usual)
    return [exponential, exponential, flag, exponential]


def drawn(
    count: int, seed: int = 0, *, scale: tuple[float, ...] = (1, 1, 1), flag: float = 0.2
) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    size, rate, gap = random.exponential(scale, (count, 3)).T
    return np.stack([size, rate, random.uniform(size=count) < flag, gap], axis=1).astype(np.float32)


def batch(newest: NDArray[np.float32], at_ms: int = 0) -> WindowBatch:
    """Windows whose older flow is nothing like the newest."""
    facts = np.zeros(len(newest), FACTS_DTYPE)
    facts["time_ms"] = DAY_MS * 20_000 + at_ms
    return WindowBatch(np.stack([newest * 1000 + 7, newest], axis=1), facts)


def verdicts(count: int, category: Category = Category.BENIGN, *, uncertain: bool = False) -> list[Verdict]:
    return [Verdict(category, 0.9, (), uncertain, np.zeros(1, FACTS_DTYPE)[0])] * count


def counted(newest: NDArray[np.float32], *, usual: float = 0.0) -> Drift:
    """Return what has counted these windows, the first of them an hour before the others."""
    drift = Drift(NAMES, record(usual))
    drift.count(batch(newest[:1], -HOUR_MS), verdicts(1))
    drift.count(batch(newest[1:]), verdicts(len(newest) - 1))
    return drift


@pytest.mark.parametrize("seed", range(5))
def test_the_same_distribution_does_not_drift(seed: int) -> None:
    drift = counted(drawn(MIN_WINDOWS + 1, seed))
    assert list(drift.indices()) == list(NAMES)
    assert max(drift.indices().values()) < 0.05
    assert (drift.drifting(), drift.warning()) == ([], None)


def test_what_changed_is_named_the_most_changed_first() -> None:
    drift = counted(drawn(5000, scale=(1, 4, 1), flag=0.6))
    assert drift.indices()["size"] < 0.05 > drift.indices()["gap"]
    assert drift.drifting() == ["rate", "flag"]
    warning = drift.warning()
    assert warning is not None
    assert warning.startswith("This network is not like what the model knows: 2 of 4 features are")
    assert "above all rate, flag." in warning


def test_the_index_is_that_of_the_formula() -> None:
    half, other = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    assert stability_index(half, other) == pytest.approx(0.3 * np.log(2.5) + 0.3 * np.log(8 / 5))
    assert stability_index(half, half) == 0
    assert np.isfinite(stability_index(np.array([1.0, 0.0]), np.array([0.0, 1.0])))


def test_a_sixth_of_the_features_makes_a_warning_and_less_does_not() -> None:
    names = [f"feature_{number}" for number in range(18)]
    for strange, told in ((2, False), (3, True)):
        drift = Drift(names, [record()[2]] * 18)
        newest = np.tile(drawn(4000)[:, 2:3], 18)
        newest[:, :strange] = 1.0
        drift.count(batch(newest, -HOUR_MS), verdicts(4000))
        drift.count(batch(newest), verdicts(4000))
        assert len(drift.drifting()) == strange
        assert (drift.warning() is not None) == told


def test_what_is_usual_between_networks_is_no_drift() -> None:
    strange = drawn(5000, scale=(2, 2, 2), flag=0.4)
    index = counted(strange).indices()["size"]
    assert index > 0.25
    assert set(counted(strange).drifting()) == {"size", "rate", "gap"}
    assert counted(strange, usual=1.2 * index).drifting() == []


def test_a_usual_difference_of_nothing_does_not_make_a_small_one_drift() -> None:
    drift = counted(drawn(5000, scale=(1.3, 1.3, 1.3)), usual=0.0)
    assert 0.01 < drift.indices()["size"] < 0.25
    assert drift.drifting() == []


def test_nothing_is_said_before_there_is_enough() -> None:
    drift = counted(drawn(MIN_WINDOWS, scale=(9, 9, 9)))  # less what the hour took of the first
    assert (drift.indices(), drift.drifting(), drift.warning()) == ({}, [], None)
    drift.count(batch(drawn(1)), verdicts(1))
    assert drift.indices().keys() == set(NAMES)
    assert drift.warning() is not None


def test_nothing_is_said_in_the_first_hour() -> None:
    strange = drawn(5000, scale=(9, 9, 9))
    drift = Drift(NAMES, record())
    for at_ms, told in ((0, False), (HOUR_MS - 1, False), (HOUR_MS, True)):
        drift.count(batch(strange, at_ms), verdicts(5000))
        assert len(drift.drifting()) == 3
        assert (drift.warning() is not None) == told


def test_a_bundle_without_a_record_says_nothing() -> None:
    drift = Drift(NAMES, ())
    drift.count(batch(drawn(5000, scale=(9, 9, 9))), verdicts(5000))
    assert (drift.indices(), drift.drifting(), drift.warning()) == ({}, [], None)


def test_attacks_do_not_count_and_uncertain_windows_do() -> None:
    calm, flood = drawn(2000), drawn(2000, scale=(9, 9, 9))
    drift = counted(calm)
    drift.count(batch(flood), verdicts(2000, Category.DOS))
    assert drift.indices() == counted(calm).indices()
    drift.count(batch(flood), verdicts(2000, Category.DOS, uncertain=True))
    assert drift.drifting()


def test_a_batch_without_a_window_is_no_batch() -> None:
    drift = counted(drawn(2000))
    before = drift.indices()
    drift.count(batch(drawn(0)), [])
    assert drift.indices() == before


def test_it_is_told_once_a_day_of_packet_time() -> None:
    strange = drawn(2000, scale=(9, 9, 9))
    drift = counted(strange)
    told = []
    for hour in range(72):
        drift.count(batch(strange, hour * HOUR_MS), verdicts(len(strange)))
        told.append(drift.warning() is not None)
    assert [hour for hour, each in enumerate(told) if each] == [0, 24, 48]


def test_what_was_is_forgotten_by_half_in_a_day() -> None:
    drift = counted(drawn(4000, scale=(9, 9, 9)))
    assert len(drift.drifting()) == 3
    for day in range(1, 12):
        drift.count(batch(drawn(2000, day), day * DAY_MS), verdicts(2000))
    assert drift.drifting() == []
    assert drift._windows == pytest.approx(4000, rel=0.01)
    assert drift._counts.sum(axis=1) == pytest.approx([drift._windows] * len(NAMES))


def test_a_clock_set_back_loses_nothing() -> None:
    drift = counted(drawn(2000))
    drift.count(batch(drawn(2000), -30 * DAY_MS), verdicts(2000))
    assert drift._windows == pytest.approx(4000, abs=0.1)
    drift.count(batch(drawn(1), -29 * DAY_MS), verdicts(1))
    assert drift._windows == pytest.approx(2001, abs=0.1)


@given(
    rows=st.lists(st.tuples(*[st.floats(0, 10, width=32)] * 2), max_size=30),
    edges=st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]), unique=True), min_size=2, max_size=2),
)
def test_every_row_is_in_one_bin_of_each_feature(
    rows: list[tuple[float, float]], edges: list[list[float]]
) -> None:
    rising = [sorted(own) for own in edges]
    array = np.array(rows, np.float32).reshape(-1, 2)
    found = histogram(array, padded_edges(rising))
    for feature, own in enumerate(rising):
        expected = np.bincount(np.searchsorted(own, array[:, feature]), minlength=found.shape[1])
        assert found[feature].tolist() == expected.tolist()
