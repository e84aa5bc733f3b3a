"""The networks, in Keras: raw windows in, logits out.

Everything that prepares numbers is part of the graph: logarithm, then the training set's mean and
deviation, then zero where the mask says padding. So the exported model takes what the feature code
gives, and nobody can scale with other statistics. Only operators that the ONNX exporter knows are
used: it has no log1p, and turns the statistics of a Keras `Normalization` into inputs of the graph,
so they are the frozen moments of a `BatchNormalization`.

The CNN-LSTM follows the design that the field uses for flow sequences (convolutions for what
neighbouring flows have in common, an LSTM for their order) and stands beside a *summary*: newest
value, mean, deviation, largest and smallest of each feature over the window, each cut into pieces
between quantiles of the training set. What a network makes of a value beyond those it has seen is
anybody's guess; what it makes of "more than nine tenths of all" is what it has learnt. On two of five
folds of unseen origins, at one false alarm in 500 benign windows, the sequence alone (as it was trained
before: even class weights, no smoothing) found no DDoS and 0.35 of Recon; the summary alone 0.80 and
0.83, both together 0.83 and 0.84 (and 0.94 of Recon at one in 100, against 0.86). The network was
chosen by these two folds.
Source of the pieces: Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning,
NeurIPS 2022 (piecewise linear encoding).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from detector.records import CATEGORIES

_MIN_DEVIATION = 1e-2
"""Features that hardly vary in training must not explode when they do later."""

_CLIP = 3.0
"""Deviations beyond this tell no more."""

_MIN_PIECE = 1e-2
"""The narrowest piece, in deviations: a feature with one value has no width."""

_ABSENT = 1e5
"""Deviations, above any that a finite number reaches: keeps flows that are not there out of extremes."""

_CHUNK = 4096
_DRAWN = 20_000
"""Windows that quantiles are taken of, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What the networks have to know of a training set. Values are log(1 + x) of real rows."""

    mean: NDArray[np.float32]
    """Shape (F,)."""
    deviation: NDArray[np.float32]
    """Shape (F,)."""
    mask: int
    """The column of the feature `mask`."""
    edges: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """Shape (PIECES + 1, 5 F): quantiles of the numbers of a window's summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The size of a network."""

    filters: int = 32
    kernel_flows: int = 3
    units: int = 32
    summary_units: int = 64
    dropout: float = 0.3
    summary_dropout: float = 0.5
    noise: float = 0.3
    """Standard deviations of noise on every feature while it learns."""
    feature_dropout: float = 0.35
    """Share of features that a window does without while it learns: another network's worlds lack some."""


PIECES = 8
"""Into how many pieces a number of the summary is cut: 5 did about as well, 16 took DDoS for DoS."""


def statistics(
    sequences: NDArray[np.float32], mask: int, weights: NDArray[np.float32] | None = None
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
    known = Statistics(mean.astype(np.float32), deviation.astype(np.float32), mask)
    return replace(known, edges=_edges(sequences, known, weights))


def _edges(
    sequences: NDArray[np.float32], known: Statistics, weights: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    share = None if weights is None else weights.astype(np.float64) / weights.sum(dtype=np.float64)
    drawn = np.random.default_rng(0).choice(len(sequences), min(_DRAWN, len(sequences)), p=share)
    given = keras.layers.Input(sequences.shape[1:])
    window = _standardised(given, known)
    found = keras.Model(given, _summary(window)).predict(sequences[drawn], batch_size=_CHUNK, verbose=0)
    return np.asarray(np.quantile(found, np.linspace(0.0, 1.0, PIECES + 1), axis=0), np.float32)


def cnn_lstm(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN-LSTM beside the summary: (m, T, F) to logits (m, C)."""
    return _built(length, known, settings, "cnn_lstm", (_order, _pieces))


def sequence(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN-LSTM alone."""
    return _built(length, known, settings, "sequence", (_order,))


def summary(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the summary alone: to it, the order of the flows is nothing."""
    return _built(length, known, settings, "summary", (_pieces,))


def cnn(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the baseline without a memory: convolutions, then the maximum over the flows."""
    return _built(length, known, settings, "cnn", (_pooled,))


def paper_cnn(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN of the paper that `train.paper` reproduces, over the flows instead of the columns."""
    return _built(length, known, settings, "paper_cnn", (_published_cnn,))


def paper_cnn_lstm(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build that paper's CNN-LSTM, over the flows: here its LSTM does see an order in time."""
    return _built(length, known, settings, "paper_cnn_lstm", (_published_cnn_lstm,))


PAPERS = {"paper-cnn": paper_cnn, "paper-cnn-lstm": paper_cnn_lstm}
"""Of fixed size, as published."""

NETWORKS = {"cnn-lstm": cnn_lstm, "sequence": sequence, "summary": summary, "cnn": cnn, **PAPERS}


def calibrated(model: Any, temperature: float) -> Any:
    """Return the model with softmax(logits / temperature) as output, sharing its weights."""
    cooled = keras.layers.Rescaling(1.0 / temperature, name="temperature")(model.output)
    return keras.Model(model.input, keras.layers.Softmax(name="probabilities")(cooled), name="calibrated")


@dataclass(frozen=True, slots=True)
class _Window:
    """What the parts of a network are made of; tensors."""

    standard: Any
    """(m, T, F): standardised logarithms, zero where there is no flow."""
    present: Any
    """(m, T, 1)."""


_Part = Callable[[_Window, Statistics, NetworkSettings], Any]


def _built(
    length: int, known: Statistics, settings: NetworkSettings, name: str, parts: Sequence[_Part]
) -> Any:
    sequences = keras.layers.Input((length, len(known.mean)), name="sequences")
    window = _standardised(sequences, known)
    found = [part(window, known, settings) for part in parts]
    joined = found[0] if len(found) == 1 else keras.layers.Concatenate(name="joined")(found)
    return keras.Model(sequences, keras.layers.Dense(len(CATEGORIES), name="logits")(joined), name=name)


def _standardised(sequences: Any, known: Statistics) -> _Window:
    present = sequences[:, :, known.mask : known.mask + 1]
    logarithms = keras.ops.log(keras.ops.maximum(sequences, 0.0) + 1.0)
    standard = _frozen(logarithms, known.mean, known.deviation, "standardise")
    return _Window(standard * present, present)


def _rows(window: _Window, settings: NetworkSettings) -> Any:
    """Return what the convolutions take. Noise and feature dropout act in training alone.

    On unseen origins they lower the loss, since no single feature's exact value there is that of the
    training set.
    """
    clipped = keras.ops.clip(window.standard, -_CLIP, _CLIP)
    blurred = keras.layers.GaussianNoise(settings.noise, name="noise")(clipped)
    thinned = keras.layers.SpatialDropout1D(settings.feature_dropout, name="feature_dropout")(blurred)
    return keras.layers.Multiply(name="rows")([thinned, window.present])


def _order(window: _Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    state = keras.layers.LSTM(settings.units, name="lstm")(_convolutions(_rows(window, settings), settings))
    return keras.layers.Dropout(settings.dropout, name="dropout")(state)


def _pooled(window: _Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    pooled = keras.layers.GlobalMaxPooling1D(name="pooled")(_convolutions(_rows(window, settings), settings))
    return keras.layers.Dropout(settings.dropout, name="dropout")(pooled)


def _convolutions(rows: Any, settings: NetworkSettings) -> Any:
    for number in (1, 2):
        rows = keras.layers.Conv1D(
            settings.filters,
            settings.kernel_flows,
            padding="causal",
            activation="relu",
            name=f"convolution_{number}",
        )(rows)
    return rows


def _published_cnn(window: _Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    flat = keras.layers.Flatten(name="flat")(_published_convolutions(window))
    return keras.layers.Dense(128, activation="relu", name="dense")(flat)


def _published_cnn_lstm(window: _Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    state = keras.layers.LSTM(64, name="lstm")(_published_convolutions(window))
    dropped = keras.layers.Dropout(0.5, name="dropout")(state)
    return keras.layers.Dense(128, activation="relu", name="dense")(dropped)


def _published_convolutions(window: _Window) -> Any:
    rows = keras.ops.clip(window.standard, -_CLIP, _CLIP)
    for number, filters in ((1, 32), (2, 64)):
        rows = keras.layers.Conv1D(filters, 3, activation="relu", name=f"convolution_{number}")(rows)
        rows = keras.layers.MaxPooling1D(2, name=f"pooling_{number}")(rows)
    return rows


def _pieces(window: _Window, known: Statistics, settings: NetworkSettings) -> Any:
    """Say of each number of the summary how far into each piece between two quantiles it reaches, 0 to 1."""
    numbers = _summary(window)
    repeated = keras.ops.tile(numbers, (1, PIECES))
    lower, widths = known.edges[:-1].ravel(), np.maximum(np.diff(known.edges, axis=0), _MIN_PIECE).ravel()
    reached = keras.ops.clip(_frozen(repeated, lower, widths, "pieces"), 0.0, 1.0)
    by_number = keras.layers.Reshape((PIECES, known.edges.shape[1]), name="by_number")(reached)
    thinned = keras.layers.SpatialDropout1D(settings.feature_dropout, name="number_dropout")(by_number)
    flat = keras.layers.Flatten(name="flat")(thinned)
    dense = keras.layers.Dense(settings.summary_units, activation="relu", name="summary")(flat)
    return keras.layers.Dropout(settings.summary_dropout, name="summary_dropout")(dense)


def _summary(window: _Window) -> Any:
    """Return (m, 5 F): newest, mean, deviation, largest and smallest over the flows that are there."""
    standard, present = window.standard, window.present
    count = keras.ops.maximum(keras.ops.sum(present, axis=1), 1.0)
    mean = keras.ops.sum(standard, axis=1) / count
    apart = keras.ops.square(standard - keras.ops.expand_dims(mean, 1)) * present
    deviation = keras.ops.sqrt(keras.ops.sum(apart, axis=1) / count)
    absent = (1.0 - present) * _ABSENT
    largest = keras.ops.max(standard - absent, axis=1)
    smallest = keras.ops.min(standard + absent, axis=1)
    return keras.ops.concatenate([standard[:, -1, :], mean, deviation, largest, smallest], axis=1)


def _frozen(numbers: Any, mean: NDArray[np.float32], deviation: NDArray[np.float32], name: str) -> Any:
    """Return (numbers - mean) / deviation, neither of which learns."""
    layer = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-7, trainable=False, name=name
    )
    result = layer(numbers)
    layer.set_weights([mean, np.square(deviation)])
    return result
