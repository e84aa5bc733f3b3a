"""The two networks of the paper that `train.paper` reproduces, over the flows instead of the columns.

Of fixed size, as published; what they see of a window is what ours see.
"""

from typing import Any

import keras

from train.networks.base import CLIP, Statistics, Window, built
from train.settings import NetworkSettings


def paper_cnn(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN."""
    return built(length, known, settings, "paper_cnn", (_published_cnn,), by_role=False)


def paper_cnn_lstm(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the CNN-LSTM: over flows its LSTM does see an order in time."""
    return built(length, known, settings, "paper_cnn_lstm", (_published_cnn_lstm,), by_role=False)


PAPERS = {"paper-cnn": paper_cnn, "paper-cnn-lstm": paper_cnn_lstm}


def _published_cnn(window: Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    flat = keras.layers.Flatten(name="flat")(_published_convolutions(window))
    return keras.layers.Dense(128, activation="relu", name="dense")(flat)


def _published_cnn_lstm(window: Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    state = keras.layers.LSTM(64, name="lstm")(_published_convolutions(window))
    dropped = keras.layers.Dropout(0.5, name="dropout")(state)
    return keras.layers.Dense(128, activation="relu", name="dense")(dropped)


def _published_convolutions(window: Window) -> Any:
    rows = keras.ops.clip(window.standard, -CLIP, CLIP)
    for number, filters in ((1, 32), (2, 64)):
        rows = keras.layers.Conv1D(filters, 3, activation="relu", name=f"convolution_{number}")(rows)
        rows = keras.layers.MaxPooling1D(2, name=f"pooling_{number}")(rows)
    return rows
