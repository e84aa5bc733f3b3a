"""The rows of one side as a network gets them: scaled, in blocks, in any order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from train.paper.split import Indices

BLOCK_ROWS = 1 << 15
"""Gathered at a time: 6 MB, and a thousand of the paper's batches."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """Mean and deviation of each column over the training rows; a constant column has deviation 1."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scaled rows, (n, F)."""
        return np.asarray((rows - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of the store, some columns of each, and their classes."""

    store: NDArray[np.float32]
    indices: Indices
    columns: tuple[int, ...]
    classes: NDArray[np.int8]
    """The class of each of `indices`, shape (n,)."""

    def __len__(self) -> int:
        return len(self.indices)

    def blocks(self, order: Indices | None = None) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int8]]]:
        """Yield rows, (m, F), not scaled, and classes, (m,); `order` holds positions in `indices`."""
        for start in range(0, len(self), BLOCK_ROWS):
            chosen = slice(start, start + BLOCK_ROWS) if order is None else order[start : start + BLOCK_ROWS]
            yield self.store[self.indices[chosen]][:, self.columns], self.classes[chosen]

    def whole(self) -> NDArray[np.float32]:
        """Return all rows at once, (n, F), for models that must have them so."""
        return np.concatenate([rows for rows, _ in self.blocks()])

    def only(self, positions: Indices) -> "Rows":
        """Return some of these rows."""
        return Rows(self.store, self.indices[positions], self.columns, self.classes[positions])


def fit_scaler(rows: Rows) -> Scaler:
    """Measure the training rows, block by block."""
    fitted = StandardScaler()
    for block, _ in rows.blocks():
        fitted.partial_fit(block.astype(np.float64))
    return Scaler(fitted.mean_, fitted.scale_)
