import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.windows.distinct import DistinctCounts

FIRST, SECOND = 0, 1


def counts(values: list[int], slot: int = FIRST) -> DistinctCounts:
    made = DistinctCounts(2)
    made.add(np.full(len(values), slot), np.array(values, np.uint64))
    return made


def one(counted: np.ndarray) -> int:
    return int(counted[0])


@given(st.lists(st.integers(0, 65_535), max_size=300))
def test_ports_are_counted_exactly(ports: list[int]) -> None:
    assert one(counts(ports).occupied(np.array([FIRST]))) == len(set(ports))


def test_slots_do_not_know_of_each_other() -> None:
    made = counts([1, 2, 3], slot=SECOND)
    assert made.occupied(np.array([FIRST, SECOND])).tolist() == [0, 3]
    made.clear(np.array([SECOND]))
    assert made.occupied(np.array([FIRST, SECOND])).tolist() == [0, 0]


@pytest.mark.parametrize("number", [1, 100, 2000, 50_000])
def test_hashed_values_are_estimated_within_two_per_cent(number: int) -> None:
    hashes = np.random.default_rng(1).integers(0, 2**63, number).tolist()
    assert one(counts(hashes).estimated(np.array([FIRST]))) == pytest.approx(number, rel=0.02)


def test_a_full_map_is_no_infinity() -> None:
    made = counts(list(range(1 << 16)))
    assert one(made.occupied(np.array([FIRST]))) == 1 << 16
    assert one(made.estimated(np.array([FIRST]))) > 1 << 16
