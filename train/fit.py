"""Train a network on some origins, calibrate it on others.

The same windows, settings and seed give the same weights: TensorFlow's operators are made
deterministic, and every draw is seeded.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detector.features import SCHEMA
from detector.records import CATEGORIES, Features
from train.balance import balanced, weights_of
from train.calibrate import fit_temperature, loss
from train.datasets import Dataset
from train.networks import NETWORKS, statistics
from train.settings import FitSettings, require

_PREDICTION_BATCH = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained network and what validation made of it."""

    model: Any
    """Keras: (m, T, F) to logits (m, C)."""
    temperature: float
    history: dict[str, list[float]]
    """Loss and accuracy by epoch, weighted as in training; `calibrated_loss` is that of validation."""
    learnt: dict[str, int]
    """Windows by class that it learnt from, drawn and made-up ones counted."""


def fit(
    training: Dataset,
    validation: Dataset | None,
    settings: FitSettings,
    *,
    mask: int,
    teach: Callable[[Features], NDArray[np.float32]] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    judge: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> Fitted:
    """Train, then fit the temperature on the validation origins.

    Args:
        training: windows to learn from.
        validation: windows of other origins; without, the temperature is 1.
        settings: what to train, and how.
        mask: the column of the feature `mask`.
        teach: gives, for windows (m, T, F), the probabilities (m, C) to learn in place of the labels, which
            still weigh them; no label is smoothed then.
        progress: is told a line an epoch.
        judge: is told each epoch's number, from 0, and calibrated validation loss; what it raises ends
            the training.

    Raises:
        UsageError: the settings name a feature that there is not.
    """
    left_out = _left_out(settings)
    # Each network traces graphs of its own, which TensorFlow takes for a mistake.
    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    lesson = balanced(training, settings)
    known = statistics(lesson.sequences, mask, lesson.weights, left_out)
    model = NETWORKS[settings.network](lesson.sequences.shape[1], known, settings.size)
    targets = teach(lesson.sequences) if teach else np.eye(len(CATEGORIES), dtype=np.float32)[lesson.labels]
    smoothing = 0.0 if teach else settings.label_smoothing
    model.compile(
        optimizer=_optimizer(settings, math.ceil(len(lesson) / settings.batch)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        weighted_metrics=["accuracy"],
        # Measured on two cores: compiling costs more than it saves.
        jit_compile=False,
    )
    watch = _Watch(validation, settings, progress, judge)
    history = model.fit(
        lesson.sequences,
        targets,
        sample_weight=lesson.weights,
        batch_size=settings.batch,
        epochs=settings.epochs,
        callbacks=[watch],
        verbose=0,
    ).history
    if watch.best_weights:
        model.set_weights(watch.best_weights)
    return Fitted(
        model,
        1.0 if validation is None else temperature_by(model, validation, settings)[0],
        {name: [float(value) for value in values] for name, values in history.items()},
        {str(category): int((lesson.labels == label).sum()) for label, category in enumerate(CATEGORIES)},
    )


def predict_logits(model: Any, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's output for many windows, (m, C)."""
    return np.asarray(model.predict(sequences, batch_size=_PREDICTION_BATCH, verbose=0), np.float32)


def temperature_by(model: Any, validation: Dataset, settings: FitSettings) -> tuple[float, float]:
    """Return the temperature that suits the validation origins, and the weighted loss with it."""
    logits, weights = predict_logits(model, validation.sequences), weights_of(validation, settings)
    temperature = fit_temperature(logits, validation.labels, weights)
    return temperature, loss(logits, validation.labels, weights, temperature)


def _left_out(settings: FitSettings) -> tuple[int, ...]:
    """Return the columns that the network does not see; the mask is no matter of choice."""
    if settings.features is None:
        return ()
    for name in settings.features:
        require("--features", name, SCHEMA.names)
    seen = {*settings.features, "mask"}
    return tuple(column for column, name in enumerate(SCHEMA.names) if name not in seen)


def _optimizer(settings: FitSettings, steps: int) -> Any:
    """Return AdamW; without decay of the weights it is Adam."""
    rate = settings.learning_rate
    if settings.falling:
        rate = keras.optimizers.schedules.CosineDecay(rate, settings.epochs * steps)
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=settings.clip_norm)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc] # Keras is untyped
    """Tells how each epoch went, and keeps the weights of the best where the settings ask for it.

    The best is the one whose calibrated validation loss is lowest. The plain loss on unseen origins
    rises from the second epoch on, because the network gets surer of everything; what temperature
    mends afterwards must not decide here.
    """

    def __init__(
        self,
        validation: Dataset | None,
        settings: FitSettings,
        progress: Callable[[str], None],
        judge: Callable[[int, float], None],
    ) -> None:
        super().__init__()
        self._validation, self._settings = validation, settings
        self._progress, self._judge = progress, judge
        self._lowest, self._best_epoch = np.inf, 0
        self.best_weights: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self._validation is not None:
            _, logs["calibrated_loss"] = temperature_by(self.model, self._validation, self._settings)
            self._compare(epoch, logs["calibrated_loss"])
        figures = ", ".join(f"{name} {value:.4f}" for name, value in sorted(logs.items()))
        self._progress(f"epoch {epoch + 1} of {self._settings.epochs}: {figures}")
        if self._validation is not None:
            self._judge(epoch, logs["calibrated_loss"])

    def _compare(self, epoch: int, reached: float) -> None:
        """Keep the best weights, and stop once patience has run out, where the settings ask for it."""
        if reached < self._lowest:
            self._lowest, self._best_epoch = reached, epoch
            if self._settings.keep_best:
                self.best_weights = self.model.get_weights()
        patience = self._settings.patience
        self.model.stop_training = patience is not None and epoch - self._best_epoch >= patience
