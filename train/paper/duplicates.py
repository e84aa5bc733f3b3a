"""Rows that are there more than once: within a side they weigh double, across sides they are told."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detector.bundle import Part
from train.paper.split import Indices, Split

_CHUNK_ROWS = 200_000

Hashes = NDArray[np.uint64]


class Across(Part):
    """Duplicates of one way to split."""

    train_rows: int
    """Validation included."""
    train_repeated: int
    """Rows that equal an earlier one of their side."""
    test_rows: int
    test_repeated: int
    test_in_train: int
    """Test rows that stand in the training rows too: whoever learns by heart has them right."""


class Duplicates(Part):
    """Duplicates among all rows that have a class."""

    rows: int
    repeated: int
    """Rows that equal an earlier one."""
    contradictory: int
    """Rows whose equals have another class: nobody can have all of them right."""


def row_hashes(rows: NDArray[np.float32], indices: Indices) -> Hashes:
    """Return 64 bits of each row of `indices`: equal for equal rows, and hardly ever for different ones."""
    hashes = np.empty(len(indices), np.uint64)
    for start in range(0, len(indices), _CHUNK_ROWS):
        # Adding zero makes one zero of the two that floats have.
        table = pd.DataFrame(rows[indices[start : start + _CHUNK_ROWS]] + np.float32(0))
        hashes[start : start + _CHUNK_ROWS] = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashes


def first_of_each(hashes: Hashes) -> Indices:
    """Return where each row stands for the first time, ascending."""
    return np.sort(np.unique(hashes, return_index=True)[1])


def among(hashes: Hashes, classes: NDArray[np.int8]) -> Duplicates:
    """Count duplicates among rows, and those of another class."""
    different, of_row = np.unique(hashes, return_inverse=True)
    lowest, highest = np.full(len(different), 127, np.int8), np.full(len(different), -1, np.int8)
    np.minimum.at(lowest, of_row, classes)
    np.maximum.at(highest, of_row, classes)
    return Duplicates(
        rows=len(hashes),
        repeated=len(hashes) - len(different),
        contradictory=int((lowest < highest)[of_row].sum()),
    )


def across(hashes: Hashes, split: Split) -> Across:
    """Count duplicates within each side, and test rows that stand in training too."""
    train, test = hashes[np.concatenate([split.train, split.validate])], hashes[split.test]
    known = np.unique(train)
    return Across(
        train_rows=len(train),
        train_repeated=len(train) - len(known),
        test_rows=len(test),
        test_repeated=len(test) - len(np.unique(test)),
        test_in_train=int(np.isin(test, known).sum()),
    )
