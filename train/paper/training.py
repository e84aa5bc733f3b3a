"""Train a network epoch by epoch; an interrupted training goes on with the epoch that it was in.

The optimiser's steps are the published ones: every row once an epoch, in a new order, in batches of 32, Adam,
categorical cross-entropy. What differs from a plain Keras `fit` is how they are fed: rows are gathered and
scaled block by block from the mapped file, and TensorFlow takes many steps for each return to Python.

Every epoch's order and dropout follow from the seed and the epoch's number, so that going on gives the same
weights as never having stopped.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detector.bundle import Part
from train.files import write_whole
from train.paper.models import DROPOUT, build
from train.paper.rows import Rows, Scaler
from train.paper.settings import Pace

STEPS_AT_ONCE = 64
"""Measured: beyond it nothing is gained."""

PREDICTION_BATCH = 4096
_TELL_SECS = 30.0
_PREFETCH = 128

Say = Callable[[str], None]


class Epochs(Part):
    """What a training came to, by epoch; written after each."""

    loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    """Without validation."""

    def __len__(self) -> int:
        return len(self.seconds)

    def further(self, figures: dict[str, float], seconds: float) -> "Epochs":
        """Return these epochs and one more."""
        measured = {name: float(value) for name, value in figures.items()} | {"seconds": seconds}
        return Epochs(**{name: (*getattr(self, name), measured[name]) for name in type(self).model_fields})


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that a training depends on."""

    network: str
    train: Rows
    validate: Rows
    scaler: Scaler
    classes: int
    pace: Pace
    seed: int


def train(job: Job, checkpoint: Path, *, say: Say) -> tuple[Any, Epochs]:
    """Train to the end; return the compiled model and what each epoch came to.

    Args:
        job: what to train, on what.
        checkpoint: path without suffix; `.json` and `-<epoch>.keras` of it are written after each epoch,
            and read first.
        say: is told a line an epoch, and one every half minute.
    """
    tf.config.experimental.enable_op_determinism()
    # Each network of a run traces graphs of its own, which TensorFlow takes for a mistake.
    tf.get_logger().setLevel("ERROR")
    keras.backend.clear_session()
    model, epochs = _resume(checkpoint) or (_new(job), Epochs())
    held = dataset(job.validate, job.scaler, job.classes, PREDICTION_BATCH)
    while len(epochs) < job.pace.epochs:
        number = len(epochs) + 1
        title = f"{job.network}, epoch {number} of {job.pace.epochs}"
        _seed_dropout(model, job.seed, number)
        begun = time.perf_counter()
        learned = _one_epoch(model, job, number, _Teller(title, len(job.train), job.pace.batch, say))
        seconds = time.perf_counter() - begun
        judged = model.evaluate(held, verbose=0, return_dict=True)
        epochs = epochs.further(learned | {f"val_{name}": value for name, value in judged.items()}, seconds)
        _save(model, epochs, checkpoint)
        figures = ", ".join(f"{name} {values[-1]:.4f}" for name, values in epochs if name != "seconds")
        say(f"{title}: {figures}, {len(job.train) / seconds:,.0f} rows/s")
    return model, epochs


def compile_model(model: Any, optimizer: Any = "adam") -> None:
    """Compile as published, many steps at a time; an optimiser that has begun goes on."""
    model.compile(
        optimizer=optimizer,
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=STEPS_AT_ONCE,
        # Measured on two cores: compiling costs more than it saves.
        jit_compile=False,
    )


def dataset(
    rows: Rows, scaler: Scaler, classes: int, batch: int, order: NDArray[np.int64] | None = None
) -> Any:
    """Return scaled rows and one-hot classes in batches, as Keras takes them."""
    one_hot = np.eye(classes, dtype=np.float32)

    def blocks() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        for block, labels in rows.blocks(order):
            yield scaler(block)[:, :, None], one_hot[labels]

    shapes = ((None, len(rows.columns), 1), (None, classes))
    return (
        tf.data.Dataset.from_generator(
            blocks, output_signature=tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
        )
        .rebatch(batch)
        .apply(tf.data.experimental.assert_cardinality(-(-len(rows) // batch)))
        .prefetch(_PREFETCH)
    )


def predict(model: Any, rows: Rows, scaler: Scaler) -> NDArray[np.int8]:
    """Return the likeliest class of each row, (n,)."""
    told = [
        model.predict(scaler(block)[:, :, None], batch_size=PREDICTION_BATCH, verbose=0).argmax(axis=1)
        for block, _ in rows.blocks()
    ]
    return np.concatenate(told).astype(np.int8)


def _new(job: Job) -> Any:
    model = build(job.network, len(job.train.columns), job.classes, seed=job.seed)
    compile_model(model)
    return model


def _one_epoch(model: Any, job: Job, number: int, teller: "_Teller") -> dict[str, float]:
    order = np.random.default_rng((job.seed, number)).permutation(len(job.train))
    batches = dataset(job.train, job.scaler, job.classes, job.pace.batch, order)
    fitted = model.fit(batches, shuffle=False, verbose=0, callbacks=[teller])
    return {name: values[-1] for name, values in fitted.history.items()}


def _seed_dropout(model: Any, seed: int, number: int) -> None:
    """Set the dropout's state: a saved model does not keep it."""
    for layer in model.layers:
        if layer.name == DROPOUT:
            layer.seed_generator.state.assign([seed, number])


def _save(model: Any, epochs: Epochs, checkpoint: Path) -> None:
    """Write the model, then the line that says it counts; drop the one before."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    model.save(_model(checkpoint, len(epochs)))
    write_whole(checkpoint.with_suffix(".json"), epochs.model_dump_json().encode())
    _model(checkpoint, len(epochs) - 1).unlink(missing_ok=True)


def _resume(checkpoint: Path) -> tuple[Any, Epochs] | None:
    try:
        epochs = Epochs.model_validate_json(checkpoint.with_suffix(".json").read_bytes())
        model = keras.models.load_model(_model(checkpoint, len(epochs)), safe_mode=True)
    except (OSError, ValueError):
        return None
    compile_model(model, model.optimizer)
    return model, epochs


def _model(checkpoint: Path, epoch: int) -> Path:
    return checkpoint.with_name(f"{checkpoint.name}-{epoch}.keras")


class _Teller(keras.callbacks.Callback):  # type: ignore[misc] # Keras is untyped
    """Says every half minute how far an epoch is."""

    def __init__(self, title: str, rows: int, batch: int, say: Say) -> None:
        super().__init__()
        self._title, self._rows, self._batch, self._say = title, rows, batch, say
        self._begun = self._told = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        now, done = time.monotonic(), (batch + 1) * self._batch
        if now - self._told >= _TELL_SECS and done < self._rows:
            self._told = now
            left = (self._rows / done - 1) * (now - self._begun)
            accuracy = logs.get("accuracy", 0.0)
            self._say(
                f"{self._title}: {done / self._rows:.0%}, accuracy {accuracy:.4f}, {left / 60:.0f} min left"
            )
