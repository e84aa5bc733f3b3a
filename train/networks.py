"""The networks, in Keras: raw windows in, logits out.

Normalisation is part of the graph: logarithm, then the training set's mean and deviation, then zero
where the mask says padding. So the exported model takes what the feature code gives, and nobody can
scale with other statistics. Only operators that the ONNX exporter knows are used: it has no log1p,
and turns the statistics of a Keras `Normalization` into inputs of the graph, so they are the frozen
moments of a `BatchNormalization`.

The CNN-LSTM follows the design that the field uses for flow sequences (convolutions for what
neighbouring flows have in common, an LSTM for their order) and departs from it in one point: the
newest flow reaches the head directly too, since its counts sum up what the window no longer holds.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from detector.records import CATEGORIES

_MIN_DEVIATION = 1e-2
"""Features that hardly vary in training must not explode when they do later."""

_CLIP = 8.0
"""Deviations beyond this tell no more."""

_CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Mean and deviation of log(1 + x) of each feature, shape (F,), over a training set's real rows."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    mask: int
    """The column of the feature `mask`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The size of a network."""

    filters: int = 48
    kernel_flows: int = 3
    units: int = 48
    dense: int = 32
    dropout: float = 0.3
    noise: float = 0.3
    """Standard deviations of noise on every feature while it learns."""
    feature_dropout: float = 0.2
    """Share of features that a window does without while it learns: another network's worlds lack some."""


def statistics(sequences: NDArray[np.float32], mask: int) -> Statistics:
    """Measure a training set, (m, T, F), in pieces: it may be most of the memory."""
    count, total, squares = 0, np.zeros(sequences.shape[2]), np.zeros(sequences.shape[2])
    for start in range(0, len(sequences), _CHUNK):
        piece = sequences[start : start + _CHUNK]
        rows = np.log1p(np.maximum(piece[piece[:, :, mask] > 0], 0.0).astype(np.float64))
        count += len(rows)
        total += rows.sum(axis=0)
        squares += np.square(rows).sum(axis=0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, _MIN_DEVIATION**2))
    return Statistics(mean.astype(np.float32), deviation.astype(np.float32), mask)


def cnn_lstm(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN-LSTM: (m, T, F) to logits (m, C)."""
    sequences, rows = _normalised(length, known, settings)
    convolved = _convolutions(rows, settings)
    state = keras.layers.LSTM(settings.units, name="lstm")(convolved)
    newest = keras.layers.Dense(settings.dense, activation="relu", name="newest")(rows[:, -1, :])
    joined = keras.layers.Concatenate(name="joined")([state, newest])
    return _headed(sequences, joined, settings, "cnn_lstm")


def cnn(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the baseline without a memory: convolutions, then the maximum over the flows."""
    sequences, rows = _normalised(length, known, settings)
    pooled = keras.layers.GlobalMaxPooling1D(name="pooled")(_convolutions(rows, settings))
    return _headed(sequences, pooled, settings, "cnn")


NETWORKS = {"cnn-lstm": cnn_lstm, "cnn": cnn}


def calibrated(model: Any, temperature: float) -> Any:
    """Return the model with softmax(logits / temperature) as output, sharing its weights."""
    cooled = keras.layers.Rescaling(1.0 / temperature, name="temperature")(model.output)
    return keras.Model(model.input, keras.layers.Softmax(name="probabilities")(cooled), name="calibrated")


def _normalised(length: int, known: Statistics, settings: NetworkSettings) -> tuple[Any, Any]:
    """Return the input and its normalised rows, zero where there is no flow.

    Noise and feature dropout act in training alone: on unseen origins they lower the loss, since no
    single feature's exact value there is that of the training set.
    """
    sequences = keras.layers.Input((length, len(known.mean)), name="sequences")
    logarithms = keras.ops.log(keras.ops.maximum(sequences, 0.0) + 1.0)
    standardise = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-7, trainable=False, name="standardise"
    )
    standard = keras.ops.clip(standardise(logarithms), -_CLIP, _CLIP)
    standardise.set_weights([known.mean, np.square(known.deviation)])
    blurred = keras.layers.GaussianNoise(settings.noise, name="noise")(standard)
    thinned = keras.layers.SpatialDropout1D(settings.feature_dropout, name="feature_dropout")(blurred)
    present = sequences[:, :, known.mask : known.mask + 1]
    return sequences, keras.layers.Multiply(name="rows")([thinned, present])


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


def _headed(sequences: Any, features: Any, settings: NetworkSettings, name: str) -> Any:
    thinned = keras.layers.Dropout(settings.dropout, name="dropout")(features)
    dense = keras.layers.Dense(settings.dense, activation="relu", name="dense")(thinned)
    logits = keras.layers.Dense(len(CATEGORIES), name="logits")(dense)
    return keras.Model(sequences, logits, name=name)
