"""A trained network with all that its numbers need: the scaler, the columns, the classes, the settings.

Plain files, none of which can run code: `model.keras`, and `paper.json` beside it, by which `iotids-detect`
knows that this is no bundle.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from detector.bundle import PAPER, Part
from detector.errors import UsageError
from train.paper.columns import COLUMNS
from train.paper.rows import Scaler
from train.paper.scores import Scores
from train.paper.settings import Pace, Settings
from train.paper.variants import Task
from train.record import versions

MODEL = "model.keras"

_REPEATS = 50


class About(Part):
    """`paper.json`."""

    format: Literal[1] = 1
    network: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    mean: list[float]
    """Of each column over the training rows."""
    deviation: list[float]
    settings: Settings
    pace: Pace
    scores: Scores
    versions: dict[str, str]


class OneSample(Part):
    """The paper's "real-time simulation": a single row, told by the saved model."""

    truth: str
    told: str
    probability: float
    first_ms: float
    """The first time, when TensorFlow traces its graph."""
    median_ms: float
    """Of the times after."""
    slow_ms: float
    """That one in twenty takes longer than."""
    repeats: int


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A model read back."""

    about: About
    model: Any

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities, (n, C), of rows as the CSV files have them, (n, 45)."""
        scaler = Scaler(np.array(self.about.mean), np.array(self.about.deviation))
        chosen = rows[:, [COLUMNS.index(column) for column in self.about.columns]]
        return np.asarray(self.model.predict(scaler(chosen)[:, :, None], verbose=0), np.float32)


def save(directory: Path, model: Any, task: Task, *, settings: Settings, pace: Pace, scores: Scores) -> None:
    """Write a model's directory whole; one that is there is replaced."""
    about = About(
        network=model.name,
        columns=tuple(COLUMNS[number] for number in task.train.columns),
        classes=task.classes,
        mean=task.scaler.mean.tolist(),
        deviation=task.scaler.deviation.tolist(),
        settings=settings,
        pace=pace,
        scores=scores,
        versions=versions(),
    )
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as scratch:
        fresh = Path(scratch) / "new"
        fresh.mkdir(mode=0o755)
        model.save(fresh / MODEL, include_optimizer=False)
        (fresh / PAPER).write_text(about.model_dump_json(indent=1) + "\n")
        shutil.rmtree(directory, ignore_errors=True)
        fresh.rename(directory)


def load(directory: Path) -> Saved:
    """Read a saved model.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    try:
        about = About.model_validate_json((directory / PAPER).read_bytes())
        model = keras.models.load_model(directory / MODEL, compile=False, safe_mode=True)
    except (OSError, ValueError, ValidationError) as error:
        line = " ".join(str(error).split())[:200]
        raise UsageError(f"{directory}: no model of iotids-train paper ({line}); run it again") from error
    return Saved(about, model)


def simulate(saved: Saved, row: NDArray[np.float32], truth: str) -> OneSample:
    """Tell a single row, (45,), again and again, and take the time."""
    seconds = []
    for _ in range(1 + _REPEATS):
        begun = time.perf_counter()
        probabilities = saved.probabilities(row[None])[0]
        seconds.append(time.perf_counter() - begun)
    later = 1000 * np.array(seconds[1:])
    return OneSample(
        truth=truth,
        told=saved.about.classes[probabilities.argmax()],
        probability=float(probabilities.max()),
        first_ms=1000 * seconds[0],
        median_ms=float(np.median(later)),
        slow_ms=float(np.quantile(later, 0.95)),
        repeats=_REPEATS,
    )
