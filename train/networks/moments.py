"""What a training set's numbers are like: moments, and the quantiles that a summary is cut at."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from train.networks.base import Statistics, standardised
from train.networks.summary import PIECES, summed_up

_MIN_DEVIATION = 1e-2
"""Features that hardly vary in training must not explode when they do later."""

_CHUNK = 4096
_DRAWN = 20_000
"""Windows that quantiles are taken of, at most."""


def statistics(
    sequences: NDArray[np.float32],
    mask: int,
    weights: NDArray[np.float32] | None = None,
    left_out: Sequence[int] = (),
) -> Statistics:
    """Measure a training set, (m, T, F), in pieces: it may be most of the memory.

    Quantiles are those of windows drawn by `weights`, (m,): benign ones would take all the pieces.
    """
    count, total, squares = 0, np.zeros(sequences.shape[2]), np.zeros(sequences.shape[2])
    for start in range(0, len(sequences), _CHUNK):
        piece = sequences[start : start + _CHUNK]
        rows = np.log1p(np.maximum(piece[piece[:, :, mask] > 0], 0.0).astype(np.float64))
        count += len(rows)
        total += rows.sum(axis=0)
        squares += np.square(rows).sum(axis=0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, _MIN_DEVIATION**2))
    known = Statistics(mean.astype(np.float32), deviation.astype(np.float32), mask, left_out=tuple(left_out))
    return replace(known, edges=_edges(sequences, known, weights))


def _edges(
    sequences: NDArray[np.float32], known: Statistics, weights: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    share = None if weights is None else weights.astype(np.float64) / weights.sum(dtype=np.float64)
    drawn = np.random.default_rng(0).choice(len(sequences), min(_DRAWN, len(sequences)), p=share)
    given = keras.layers.Input(sequences.shape[1:])
    summary = keras.Model(given, summed_up(standardised(given, known)))
    found = summary.predict(sequences[drawn], batch_size=_CHUNK, verbose=0)
    return np.asarray(np.quantile(found, np.linspace(0.0, 1.0, PIECES + 1), axis=0), np.float32)
