import numpy as np

from train.paper.duplicates import across, among, first_of_each, row_hashes
from train.paper.split import Split

ROWS = np.random.default_rng(1).normal(size=(10, 45)).astype(np.float32)
ROWS[[4, 7]] = ROWS[1]
ROWS[9] = ROWS[0]
ALL = np.arange(10)
HASHES = row_hashes(ROWS, ALL)


def test_equal_rows_have_equal_hashes_and_no_others() -> None:
    assert len(set(HASHES.tolist())) == 7
    assert HASHES[4] == HASHES[7] == HASHES[1]


def test_both_zeros_are_one_value_and_order_counts() -> None:
    rows = np.zeros((4, 45), np.float32)
    rows[1, 3] = -0.0
    rows[2, 3] = rows[3, 4] = 1.0
    first, signed, third, fourth = row_hashes(rows, np.arange(4)).tolist()
    assert first == signed
    assert len({first, third, fourth}) == 3


def test_only_the_rows_asked_for() -> None:
    assert row_hashes(ROWS, np.array([7, 2])).tolist() == HASHES[[7, 2]].tolist()


def test_the_first_of_equal_rows_stays() -> None:
    assert first_of_each(HASHES).tolist() == [0, 1, 2, 3, 5, 6, 8]


def test_repeated_and_contradictory_rows_are_counted() -> None:
    classes = np.zeros(10, np.int8)
    classes[7] = 2
    found = among(HASHES, classes)
    assert (found.rows, found.repeated, found.contradictory) == (10, 3, 3)


def test_duplicates_within_and_across_sides() -> None:
    split = Split(train=np.array([0, 1, 2, 4]), validate=np.array([3]), test=np.array([5, 6, 7, 8, 9]))
    found = across(HASHES, split)
    assert (found.train_rows, found.train_repeated) == (5, 1)
    assert (found.test_rows, found.test_repeated, found.test_in_train) == (5, 0, 2)
