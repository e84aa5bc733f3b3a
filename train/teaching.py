"""Networks that teach another: what they make of a window stands in place of its label.

Networks of different folds know different origins. Where they agree is what traffic shows anywhere; where
they do not, one origin's label or habit was learnt by heart. Their mean is the better model, and costs as
often as there are members. One network that learns what the mean says, of every class, comes close to it at
the price of one: G. Hinton, O. Vinyals and J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
Over the shared captures, on origins never seen, by supported labels, pupils had macro-F1 0.951 and a
calibration error of 0.013 (five seeds), the mean of six teachers 0.950 and 0.019 (one).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds
from detector.errors import UsageError
from detector.records import Features
from train.calibrate import softmax
from train.contest import model_file
from train.crossfit import strictest
from train.datasets import Index
from train.fit import predict_logits
from train.networks import logits_of
from train.record import Run, mean_temperature, read_run


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Runs that learnt from nothing that their pupil is judged on."""

    runs: tuple[Run, ...]
    models: tuple[Any, ...]
    """Keras, of each run: (m, T, F) to logits (m, C)."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What to say to make them again."""
        return tuple(run.training.command for run in self.runs)

    @property
    def temperature(self) -> float:
        """The geometric mean of theirs."""
        return mean_temperature(self.runs)

    @property
    def thresholds(self) -> Thresholds:
        """The strictest of theirs."""
        return strictest(*(run.thresholds for run in self.runs))

    def teach(self, sequences: Features) -> NDArray[np.float32]:
        """Return, for windows (m, T, F), the softmax of the mean of their logits, (m, C)."""
        told = np.zeros((len(sequences), self.models[0].output_shape[-1]), np.float32)
        for model in self.models:
            told += predict_logits(model, sequences) / len(self.models)
        return softmax(told, 1.0).astype(np.float32)


def teachers_of(directories: Sequence[Path], index: Index, unseen: Collection[str]) -> Teachers | None:
    """Open those of some runs that learnt from none of the `unseen` origins; None of no runs.

    Raises:
        UsageError: none of them may teach, or one takes other windows than these.
    """
    if not directories:
        return None
    known = {directory: read_run(directory) for directory in directories}
    for directory, run in known.items():
        if (run.features, run.meter, run.window) != (index.features, index.meter, index.window):
            raise UsageError(f"{directory}: learnt from windows of another kind; train it on this data")
    fit = {each: run for each, run in known.items() if not run.side("train") & {*unseen}}
    if not fit:
        raise UsageError(
            f"--teacher: each of the {len(known)} runs learnt from {', '.join(sorted(unseen))}, which the "
            "network is judged on; name runs of all folds"
        )
    models = (keras.models.load_model(model_file(each), compile=False, safe_mode=True) for each in fit)
    return Teachers(tuple(fit.values()), tuple(logits_of(model) for model in models))
