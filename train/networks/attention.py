"""A small transformer: every flow of the window looks at every other, whatever lies between them.

One block, normalised before each step. What it says of the window is the mean over the flows that are
there beside the newest one's vector. It has no encoding of places: the features `position` and
`before_newest_ms` tell them.
Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017; the norm first: Xiong et al., On Layer
Normalization in the Transformer Architecture, ICML 2020.
"""

from typing import Any

import keras

from detector.errors import UsageError
from train.networks.base import Statistics, Window, built, rows
from train.networks.summary import pieces
from train.settings import NetworkSettings


def attention(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the transformer alone: (m, T, F) to logits (m, C)."""
    return built(length, known, settings, "attention", (_attended,))


def attention_summary(length: int, known: Statistics, settings: NetworkSettings) -> Any:
    """Build the transformer beside the summary."""
    return built(length, known, settings, "attention_summary", (_attended, pieces))


def _attended(window: Window, known: Statistics, settings: NetworkSettings) -> Any:  # noqa: ARG001 - a part
    if settings.units % settings.heads:
        raise UsageError(
            f"{settings.units} units do not divide among {settings.heads} heads; choose a multiple"
        )
    units = settings.units
    flows = keras.layers.Dense(units, name="flows")(rows(window, settings))
    normal = _normal(flows, "before_heads")
    there = keras.ops.transpose(window.present, (0, 2, 1)) > 0.0
    heads = keras.layers.MultiHeadAttention(settings.heads, units // settings.heads, name="heads")
    flows = flows + heads(normal, normal, attention_mask=there)
    wide = keras.layers.Dense(2 * units, activation="relu", name="wide")(_normal(flows, "before_wide"))
    flows = _normal(flows + keras.layers.Dense(units, name="narrow")(wide), "attended") * window.present
    count = keras.ops.maximum(keras.ops.sum(window.present, axis=1), 1.0)
    told = keras.ops.concatenate([flows[:, -1, :], keras.ops.sum(flows, axis=1) / count], axis=1)
    return keras.layers.Dropout(settings.dropout, name="dropout")(told)


def _normal(flows: Any, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=1e-5, name=name)(flows)
