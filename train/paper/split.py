"""Which rows train, which validate, which test."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from detector.errors import UsageError

HELD_OUT = 0.2
"""Of all rows for testing, then of the others for validation: the paper's shares."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers, ascending on each side."""

    train: Indices
    validate: Indices
    test: Indices

    def __post_init__(self) -> None:
        if not all(map(len, (self.train, self.validate, self.test))):
            raise UsageError("too few rows to train, validate and test on; give more --rows, or none")


def drawn(candidates: Indices, most: int | None, seed: int) -> Indices:
    """Return at most so many of the rows, at random, in order."""
    if most is None or len(candidates) <= most:
        return candidates
    return np.sort(np.random.default_rng(seed).choice(candidates, most, replace=False))


def deal(
    candidates: Indices, in_test: NDArray[np.bool_], how: Literal["random", "folders"], seed: int
) -> Split:
    """Deal rows to the three sides.

    Args:
        candidates: row numbers, ascending.
        in_test: whether the dataset itself tests on a row; of all rows.
        how: `random` deals every row anew, `folders` keeps the dataset's test rows apart.
        seed: of the draw.
    """
    if how == "random":
        rest, test = _held_out(candidates, seed)
    else:
        side = in_test[candidates]
        rest, test = candidates[~side], candidates[side]
    train, validate = _held_out(rest, seed)
    return Split(np.sort(train), np.sort(validate), np.sort(test))


def _held_out(indices: Indices, seed: int) -> tuple[Indices, Indices]:
    if len(indices) <= 1 / HELD_OUT:
        return indices, indices[:0]
    kept, held = train_test_split(indices, test_size=HELD_OUT, random_state=seed)
    return kept, held
