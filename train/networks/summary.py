"""A window summed up and cut into pieces: to this network, the order of the flows is nothing.

Newest value, mean, deviation, largest and smallest of each feature over the window, each cut into
pieces between quantiles of the training set. What a network makes of a value beyond those it has seen
is anybody's guess; what it makes of "more than nine tenths of all" is what it has learnt.
Source of the pieces: Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning,
NeurIPS 2022 (piecewise linear encoding).
"""

from typing import Any

import keras
import numpy as np

from train.networks.base import Statistics, Window, built, frozen
from train.settings import NetworkSettings

PIECES = 8
"""Into how many pieces a number of the summary is cut: 5 did about as well, 16 took DDoS for DoS."""

_MIN_PIECE = 1e-2
"""The narrowest piece, in deviations: a feature with one value has no width."""

_ABSENT = 1e5
"""Deviations, above any that a finite number reaches: keeps flows that are not there out of extremes."""


def summary(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the summary alone."""
    return built(length, known, settings, "summary", (pieces,))


def pieces(window: Window, known: Statistics, settings: NetworkSettings) -> Any:
    """Say of each number of the summary how far into each piece between two quantiles it reaches, 0 to 1."""
    numbers = summed_up(window)
    repeated = keras.ops.tile(numbers, (1, PIECES))
    lower, widths = known.edges[:-1].ravel(), np.maximum(np.diff(known.edges, axis=0), _MIN_PIECE).ravel()
    reached = keras.ops.clip(frozen(repeated, lower, widths, "pieces"), 0.0, 1.0)
    by_number = keras.layers.Reshape((PIECES, known.edges.shape[1]), name="by_number")(reached)
    thinned = keras.layers.SpatialDropout1D(settings.feature_dropout, name="number_dropout")(by_number)
    flat = keras.layers.Flatten(name="flat")(thinned)
    dense = keras.layers.Dense(settings.summary_units, activation="relu", name="summary")(flat)
    return keras.layers.Dropout(settings.summary_dropout, name="summary_dropout")(dense)


def summed_up(window: Window) -> Any:
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
