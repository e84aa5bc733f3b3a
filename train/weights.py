"""How much a window counts: classes the same, and origins by what they can teach."""

import numpy as np
from numpy.typing import NDArray

from train.datasets import Dataset


def sample_weights(dataset: Dataset, *, bound: float = 50.0) -> NDArray[np.float32]:
    """Return weights, mean 1, with which every class counts the same.

    Within a class an origin counts by the square root of its captures: one network seen often
    teaches more than one seen once, but not as much as many networks. No window counts more than
    `bound` times another of its class.
    """
    labels, origins = dataset.labels, dataset.origins
    weights = np.zeros(len(labels))
    for label in np.unique(labels):
        rows = labels == label
        _, where, sizes = np.unique(origins[rows], return_inverse=True, return_counts=True)
        seen = np.unique(np.stack([where, dataset.captures[rows]]), axis=1)[0]
        share = np.sqrt(np.bincount(seen))
        even = (share / sizes)[where]
        limited = np.minimum(even, bound * even.min())
        weights[rows] = limited / limited.sum()
    return np.asarray(weights * len(labels) / weights.sum(), np.float32)
