"""Train a network on some origins, stop and calibrate it on others.

The same windows, settings and seed give the same weights: TensorFlow's operators are made
deterministic, and every draw is seeded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detector.bundle import Thresholds
from train.calibrate import Budget, choose_thresholds, fit_temperature, loss, softmax
from train.datasets import Dataset, sample_weights
from train.networks import NETWORKS, NetworkSettings, statistics

_PREDICTION_BATCH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How long and how fast a network learns."""

    network: str = "cnn-lstm"
    """One of `networks.NETWORKS`."""
    size: NetworkSettings = field(default_factory=NetworkSettings)
    epochs: int = 40
    """At most."""
    patience: int = 4
    """Epochs without a lower calibrated validation loss before it stops; the best weights are kept."""
    batch: int = 256
    learning_rate: float = 1e-3
    seed: int = 0
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained network and what validation made of it."""

    model: Any
    """Keras: (m, T, F) to logits (m, C)."""
    temperature: float
    thresholds: Thresholds
    history: dict[str, list[float]]
    """Loss and accuracy by epoch, weighted as in training; `calibrated_loss` is what it was stopped by."""


def fit(
    training: Dataset,
    validation: Dataset,
    settings: FitSettings,
    *,
    mask: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Train, then fit temperature and thresholds on the validation origins.

    Args:
        training: windows to learn from.
        validation: windows of other origins.
        settings: what to train, and how.
        mask: the column of the feature `mask`.
        progress: is told a line an epoch.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    known = statistics(training.sequences, mask)
    model = NETWORKS[settings.network](training.sequences.shape[1], known, settings.size)
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate, clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
        # Measured on two cores: compiling costs more than it saves.
        jit_compile=False,
    )
    weights = sample_weights(validation)
    stop = _CalibratedStop(validation, weights, settings, progress)
    history = model.fit(
        training.sequences,
        training.labels,
        sample_weight=sample_weights(training),
        batch_size=settings.batch,
        epochs=settings.epochs,
        callbacks=[stop],
        verbose=0,
    ).history
    model.set_weights(stop.best_weights)
    logits = predict_logits(model, validation.sequences)
    temperature = fit_temperature(logits, validation.labels, weights)
    return Fitted(
        model,
        temperature,
        choose_thresholds(softmax(logits, temperature), validation.labels, settings.budget),
        {name: [float(value) for value in values] for name, values in history.items()},
    )


def predict_logits(model: Any, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's output for many windows, (m, C)."""
    return np.asarray(model.predict(sequences, batch_size=_PREDICTION_BATCH, verbose=0), np.float32)


class _CalibratedStop(keras.callbacks.Callback):  # type: ignore[misc] # Keras is untyped
    """Stops when calibrated validation loss falls no more, and keeps the weights where it was lowest.

    The plain loss on unseen origins rises from the second epoch on, because the network gets surer
    of everything; what temperature mends afterwards must not decide here.
    """

    def __init__(
        self,
        validation: Dataset,
        weights: NDArray[np.float32],
        settings: FitSettings,
        progress: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._validation, self._weights = validation, weights
        self._settings, self._progress = settings, progress
        self._lowest, self._waited = np.inf, 0
        self.best_weights: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        logits = predict_logits(self.model, self._validation.sequences)
        temperature = fit_temperature(logits, self._validation.labels, self._weights)
        reached = loss(logits, self._validation.labels, self._weights, temperature)
        logs["calibrated_loss"] = reached
        figures = ", ".join(f"{name} {value:.4f}" for name, value in sorted(logs.items()))
        self._progress(f"epoch {epoch + 1} of {self._settings.epochs}: {figures}")
        self._waited += 1
        if reached < self._lowest:
            self._lowest, self._waited = reached, 0
            self.best_weights = self.model.get_weights()
        self.model.stop_training = self._waited >= self._settings.patience
