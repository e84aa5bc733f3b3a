"""Equal keys among many, without sorting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.windows import groups
from detector.windows.groups import distinct, firsts, group

keys = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1)), max_size=60)


@given(keys=keys)
def test_hosts_are_numbered_by_appearance(keys: list[int]) -> None:
    first, number = group(np.array(keys, np.uint64))
    seen = list(dict.fromkeys(keys))
    assert first.tolist() == [keys.index(key) for key in seen]
    assert number.tolist() == [seen.index(key) for key in keys]


@given(found=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40))
def test_pairs_are_counted_once(found: list[tuple[int, int]]) -> None:
    pairs = np.array(found, np.int64).reshape(-1, 2)
    once = distinct((pairs[:, 0] << 32 | pairs[:, 1]).astype(np.uint64))
    assert [tuple(pair) for pair in pairs[once].tolist()] == list(dict.fromkeys(found))


def test_different_keys_that_meet_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_SALT", 1)  # small keys meet at 0, where the first of them stands
    keys = np.array([7, 5, 7, 6, 5, 7], np.uint64)
    assert firsts(keys).tolist() == [0, 1, 0, 3, 1, 0]


def test_a_large_table_is_as_good_as_a_small_one() -> None:
    keys = np.random.default_rng(1).integers(0, 30_000, 60_000).astype(np.uint64)
    _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
    assert np.array_equal(firsts(keys), index[inverse])
