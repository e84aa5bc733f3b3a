"""What the benign windows of a training set look like, feature by feature: the record that drift is held to.

Benign ones alone, because what an operator's network shows is nearly all benign: held to a record of all
windows, half of which are attacks, every healthy network would seem to have drifted.
"""

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Distribution
from detector.drift import histogram, padded_edges, stability_index
from detector.records import CATEGORIES, Category
from train.datasets import Dataset, sample_weights

BINS = 10
"""Deciles, as the index is commonly used; fewer where a feature takes few values."""

USUAL = 0.9
"""Quantile over the origins of how far each is from the others."""

_MIN_WINDOWS = 50
"""An origin with fewer benign windows tells nothing of what is usual."""


def record_of(training: Dataset) -> tuple[Distribution, ...]:
    """Describe each feature of the newest flow over the benign windows, weighted as they were learned from.

    Nothing without a benign window.
    """
    benign = np.flatnonzero(training.labels == CATEGORIES.index(Category.BENIGN))
    if not len(benign):
        return ()
    newest = training.sequences[benign, -1, :]
    weights = sample_weights(training)[benign].astype(np.float64)
    origins, where, sizes = np.unique(training.origins[benign], return_inverse=True, return_counts=True)
    edges = [_edges(column, weights) for column in newest.T]
    # Within a class, all windows of an origin weigh the same.
    by_origin = np.stack(
        [
            weights[where == origin][0] * histogram(newest[where == origin], padded_edges(edges))
            for origin in range(len(origins))
        ]
    )
    shares = _shares(by_origin.sum(axis=0))
    usual = _usual(by_origin, sizes >= _MIN_WINDOWS)
    return tuple(
        Distribution(
            edges=tuple(own),
            shares=tuple(round(share, 6) for share in row[: len(own) + 1].tolist()),
            usual=round(float(limit), 4),
        )
        for own, row, limit in zip(edges, shares, usual, strict=True)
    )


def _edges(column: NDArray[np.float32], weights: NDArray[np.float64]) -> list[float]:
    """Return the weighted quantiles between bins, those that are different, to six digits."""
    order = np.argsort(column, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = np.arange(1, BINS) / BINS * reached[-1]
    at = np.minimum(np.searchsorted(reached, wanted), len(column) - 1)
    highest = float(column.max())
    rounded = {float(f"{value:.6g}") for value in column[order][at].tolist()}
    return sorted(value for value in rounded if value < highest)


def _usual(by_origin: NDArray[np.float64], enough: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return of each feature how far most origins are from all others; 0 where there are no others."""
    if len(by_origin) < 2 or not enough.any():  # noqa: PLR2004 - one and another
        return np.zeros(by_origin.shape[1])
    others = by_origin.sum(axis=0) - by_origin
    apart = stability_index(_shares(by_origin[enough]), _shares(others[enough]))
    return np.asarray(np.quantile(apart, USUAL, axis=0, method="higher"))


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to a sum of 1 over the bins."""
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
