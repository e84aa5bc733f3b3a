"""What the networks share: how they read a window, and how their parts become logits.

Everything that prepares numbers is part of the graph: logarithm, then the training set's mean and
deviation, then zero where the mask says padding. So the exported model takes what the feature code
gives, and nobody can scale with other statistics. Only operators that the ONNX exporter knows are
used: it has no log1p, and turns the statistics of a Keras `Normalization` into inputs of the graph,
so they are the frozen moments of a `BatchNormalization`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from detector.features import SCHEMA
from detector.records import CATEGORIES, Category
from train.settings import NetworkSettings

CLIP = 3.0
"""Deviations beyond this tell no more."""

_AS_TARGET = SCHEMA.index("as_target")
_NEVER = -12.0
"""A logit that leaves nothing of a class."""


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
    left_out: tuple[int, ...] = ()
    """Columns that no network sees."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the parts of a network are made of; tensors."""

    standard: Any
    """(m, T, F): standardised logarithms, zero where there is no flow."""
    present: Any
    """(m, T, 1)."""


Part = Callable[[Window, Statistics, NetworkSettings], Any]
"""Takes a window and gives a vector, (m, N)."""


def built(
    length: int,
    known: Statistics,
    settings: NetworkSettings,
    name: str,
    parts: Sequence[Part],
    *,
    by_role: bool = True,
) -> keras.Model:
    """Return the network whose logits, (m, C), are read off its parts side by side.

    `by_role` reads them off by weights of each role's own. Else noise and dropout make a network that
    hardly trusts the one feature which tells the roles apart, and the source of a sweep, whose 32 peers do
    not answer, looked like the victim of a DDoS.
    """
    sequences = keras.layers.Input((length, len(known.mean)), name="sequences")
    window = standardised(sequences, known)
    found = [part(window, known, settings) for part in parts]
    joined = found[0] if len(found) == 1 else keras.layers.Concatenate(name="joined")(found)
    if by_role:
        logits = _logits_by_role(joined, sequences)
    else:
        logits = keras.layers.Dense(len(CATEGORIES), name="logits")(joined)
    return keras.Model(sequences, logits, name=name)


def _logits_by_role(joined: Any, sequences: Any) -> Any:
    """Return (m, C). A source's window never shows a DDoS (`train.truth`): it sees one attacker."""
    target = keras.ops.cast(sequences[:, -1, _AS_TARGET : _AS_TARGET + 1] > 0.0, "float32")
    source = 1.0 - target
    apart = keras.layers.Concatenate(name="by_role")([joined * target, joined * source, target])
    never = [_NEVER if category == Category.DDOS else 0.0 for category in CATEGORIES]
    shown = source * np.array([never], np.float32)
    return keras.layers.Add(name="logits")(
        [keras.layers.Dense(len(CATEGORIES), name="readout")(apart), shown]
    )


def calibrated(model: Any, temperature: float) -> Any:
    """Return the model with softmax(logits / temperature) as output, sharing its weights."""
    cooled = keras.layers.Rescaling(1.0 / temperature, name="temperature")(model.output)
    return keras.Model(model.input, keras.layers.Softmax(name="probabilities")(cooled), name="calibrated")


def logits_of(model: Any) -> Any:
    """Return the network inside a calibrated model."""
    return keras.Model(model.input, model.get_layer("temperature").input)


def standardised(sequences: Any, known: Statistics) -> Window:
    """Return the window of raw sequences, (m, T, F)."""
    present = sequences[:, :, known.mask : known.mask + 1]
    logarithms = keras.ops.log(keras.ops.maximum(sequences, 0.0) + 1.0)
    standard = frozen(logarithms, known.mean, known.deviation, "standardise")
    if known.left_out:
        seen = [0.0 if column in known.left_out else 1.0 for column in range(len(known.mean))]
        standard = keras.layers.Rescaling(seen, name="seen")(standard)
    return Window(standard * present, present)


def rows(window: Window, settings: NetworkSettings) -> Any:
    """Return what is learnt from flow by flow, (m, T, F). Noise and feature dropout act in training alone.

    On unseen origins they lower the loss, since no single feature's exact value there is that of the
    training set.
    """
    clipped = keras.ops.clip(window.standard, -CLIP, CLIP)
    blurred = keras.layers.GaussianNoise(settings.noise, name="noise")(clipped)
    thinned = keras.layers.SpatialDropout1D(settings.feature_dropout, name="feature_dropout")(blurred)
    return keras.layers.Multiply(name="rows")([thinned, window.present])


def convolutions(window: Window, settings: NetworkSettings) -> Any:
    """Return two convolutions over the rows, each seeing what came before, (m, T, filters)."""
    found = rows(window, settings)
    for number in (1, 2):
        found = keras.layers.Conv1D(
            settings.filters,
            settings.kernel_flows,
            padding="causal",
            activation="relu",
            name=f"convolution_{number}",
        )(found)
    return found


def frozen(numbers: Any, mean: NDArray[np.float32], deviation: NDArray[np.float32], name: str) -> Any:
    """Return (numbers - mean) / deviation, neither of which learns."""
    layer = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-7, trainable=False, name=name
    )
    result = layer(numbers)
    layer.set_weights([mean, np.square(deviation)])
    return result
