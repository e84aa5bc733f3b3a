"""The baseline without a memory: convolutions, then the maximum over the flows."""

from typing import Any

import keras

from train.networks.base import Statistics, Window, built, convolutions
from train.settings import NetworkSettings


def cnn(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build it: (m, T, F) to logits (m, C)."""
    return built(length, known, settings, "cnn", (_pooled,))


def _pooled(window: Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    pooled = keras.layers.GlobalMaxPooling1D(name="pooled")(convolutions(window, settings))
    return keras.layers.Dropout(settings.dropout, name="dropout")(pooled)
