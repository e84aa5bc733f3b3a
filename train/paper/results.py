"""What each model makes of each variant; kept on disk, so that no run computes one twice."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from detector.bundle import Part
from train.files import write_whole
from train.paper.scores import Scores, score
from train.paper.settings import NETWORKS, Pace, Settings
from train.paper.store import Say
from train.paper.training import Epochs, Job, predict, train
from train.paper.trees import told_by_forest, told_by_lightgbm
from train.paper.variants import Task


class Result(Part):
    """One model on the test rows of one variant."""

    model: str
    variant: str
    train_rows: int
    test_rows: int
    scores: Scores
    pace: Pace | None
    """Of a network."""
    epochs: Epochs | None
    parameters: int | None
    """Weights of a network."""
    seconds: float
    """Training alone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Results in a directory, by all that they depend on."""

    directory: Path
    rows_digest: str
    settings: Settings
    say: Say

    def network(self, name: str, task: Task, pace: Pace) -> tuple[Any, Result]:
        """Return a trained network and its result; the training goes on where it was interrupted."""
        path = self._path(name, task, pace=pace.model_dump())
        job = Job(name, task.train, task.validate, task.scaler, len(task.classes), pace, self.settings.seed)
        self.say(f"{name}, {task.variant.title}: {len(task.train):,} rows to train on")
        model, epochs = train(job, path.with_name(f"{path.name}-training"), say=self.say)

        def result() -> Result:
            told = predict(model, task.test, task.scaler)
            return self._result(
                name,
                task,
                told,
                sum(epochs.seconds),
                pace=pace,
                epochs=epochs,
                parameters=model.count_params(),
            )

        return model, self._kept(path, result)

    def tree(self, name: str, task: Task) -> Result:
        """Return the result of a random forest or LightGBM."""
        most = self.settings.forest_rows

        def result() -> Result:
            self.say(f"{name}, {task.variant.title}")
            begun = time.perf_counter()
            if name == "LightGBM":
                told = told_by_lightgbm(task.train, task.test, seed=self.settings.seed)
            else:
                told = told_by_forest(task.train, task.test, most_rows=most, seed=self.settings.seed)
            return self._result(name, task, told, time.perf_counter() - begun)

        return self._kept(self._path(name, task, forest_rows=most), result)

    def _result(
        self,
        name: str,
        task: Task,
        told: NDArray[np.int8],
        seconds: float,
        *,
        pace: Pace | None = None,
        epochs: Epochs | None = None,
        parameters: int | None = None,
    ) -> Result:
        most = len(task.train) if name in NETWORKS or name == "LightGBM" else self.settings.forest_rows
        return Result(
            model=name,
            variant=task.variant.title,
            train_rows=min(len(task.train), most),
            test_rows=len(task.test),
            scores=score(task.classes, task.test.classes, told),
            pace=pace,
            epochs=epochs,
            parameters=parameters,
            seconds=seconds,
        )

    def _path(self, name: str, task: Task, **more: object) -> Path:
        data = self.settings.model_dump(include={"classes", "split", "rows", "seed"})
        told = [self.rows_digest, name, data, asdict(task.variant), more]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return self.directory / f"{name.replace(' ', '-')}-{digest[:16]}"

    def _kept(self, path: Path, make: Callable[[], Result]) -> Result:
        file = path.with_suffix(".json")
        try:
            return Result.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            made = make()
        write_whole(file, made.model_dump_json().encode())
        return made
