"""Train a network on some origins, calibrate it on others.

The same windows, settings and seed give the same weights: TensorFlow's operators are made
deterministic, and every draw is seeded.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detector.records import CATEGORIES, Category
from train.calibrate import fit_temperature, loss
from train.datasets import Dataset, sample_weights
from train.networks import NETWORKS, NetworkSettings, statistics

_BENIGN = CATEGORIES.index(Category.BENIGN)
_PREDICTION_BATCH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How long and how fast a network learns."""

    network: str = "cnn-lstm"
    """One of `networks.NETWORKS`."""
    size: NetworkSettings = field(default_factory=NetworkSettings)
    epochs: int = 4
    """The learning rate falls to zero over them; more of them learn the training networks by heart."""
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    benign_weight: float = 3.0
    """Times what an attack class weighs: as much as all of them together. With even
    weights 17 % of unseen benign captures held a window called an attack, with these 7 % (summary alone)."""
    keep_best: bool = False
    """Whether the epoch counts that validation liked best, instead of the last."""
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained network and what validation made of it."""

    model: Any
    """Keras: (m, T, F) to logits (m, C)."""
    temperature: float
    history: dict[str, list[float]]
    """Loss and accuracy by epoch, weighted as in training; `calibrated_loss` is that of validation."""


def fit(
    training: Dataset,
    validation: Dataset | None,
    settings: FitSettings,
    *,
    mask: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Train, then fit the temperature on the validation origins.

    Args:
        training: windows to learn from.
        validation: windows of other origins; without, the temperature is 1.
        settings: what to train, and how.
        mask: the column of the feature `mask`.
        progress: is told a line an epoch.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    weights = _weights(training, settings)
    known = statistics(training.sequences, mask, weights)
    model = NETWORKS[settings.network](training.sequences.shape[1], known, settings.size)
    model.compile(
        optimizer=_optimizer(settings, math.ceil(len(training) / settings.batch)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing),
        weighted_metrics=["accuracy"],
        # Measured on two cores: compiling costs more than it saves.
        jit_compile=False,
    )
    watch = _Watch(validation, settings, progress)
    history = model.fit(
        training.sequences,
        np.eye(len(CATEGORIES), dtype=np.float32)[training.labels],
        sample_weight=weights,
        batch_size=settings.batch,
        epochs=settings.epochs,
        callbacks=[watch],
        verbose=0,
    ).history
    if watch.best_weights:
        model.set_weights(watch.best_weights)
    return Fitted(
        model,
        1.0 if validation is None else watch.calibrate(model)[0],
        {name: [float(value) for value in values] for name, values in history.items()},
    )


def predict_logits(model: Any, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's output for many windows, (m, C)."""
    return np.asarray(model.predict(sequences, batch_size=_PREDICTION_BATCH, verbose=0), np.float32)


def _weights(dataset: Dataset, settings: FitSettings) -> NDArray[np.float32]:
    benign = np.where(dataset.labels == _BENIGN, settings.benign_weight, 1.0)
    weights = sample_weights(dataset) * benign
    return np.asarray(weights / weights.mean(), np.float32)


def _optimizer(settings: FitSettings, steps: int) -> Any:
    falling = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps)
    return keras.optimizers.AdamW(falling, weight_decay=settings.weight_decay, clipnorm=1.0)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc] # Keras is untyped
    """Tells how each epoch went, and keeps the weights of the best where the settings ask for it.

    The best is the one whose calibrated validation loss is lowest. The plain loss on unseen origins
    rises from the second epoch on, because the network gets surer of everything; what temperature
    mends afterwards must not decide here.
    """

    def __init__(
        self, validation: Dataset | None, settings: FitSettings, progress: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._validation, self._settings, self._progress = validation, settings, progress
        self._weights = np.zeros(0, np.float32) if validation is None else _weights(validation, settings)
        self._lowest = np.inf
        self.best_weights: list[NDArray[np.float32]] = []

    def calibrate(self, model: Any) -> tuple[float, float]:
        """Return the temperature that suits the validation origins, and the loss with it."""
        assert self._validation is not None  # noqa: S101 - who has none does not ask
        logits = predict_logits(model, self._validation.sequences)
        temperature = fit_temperature(logits, self._validation.labels, self._weights)
        return temperature, loss(logits, self._validation.labels, self._weights, temperature)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self._validation is not None:
            logs["calibrated_loss"] = self.calibrate(self.model)[1]
            if self._settings.keep_best and logs["calibrated_loss"] < self._lowest:
                self._lowest = logs["calibrated_loss"]
                self.best_weights = self.model.get_weights()
        figures = ", ".join(f"{name} {value:.4f}" for name, value in sorted(logs.items()))
        self._progress(f"epoch {epoch + 1} of {self._settings.epochs}: {figures}")
