"""Steps beside the way from windows to a bundle: what features are worth, settings and networks."""

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from detector.bundle import digest_of
from detector.features import SCHEMA
from detector.scorer import Scorer
from train import baselines, worth
from train.compare import compare
from train.contest import MASK, Say, model_file, side
from train.datasets import Dataset, read_index
from train.fit import predict_logits
from train.measures import Figures
from train.record import read_run
from train.search import Limits, search
from train.settings import Choice, FitSettings, require
from train.split import Split


def search_settings(
    data: Path, split: Split, base: FitSettings, journal: Path, limits: Limits, *, cap_windows: int, say: Say
) -> Choice:
    """Search settings on a split's training and validation origins, and return the best."""
    index = read_index(data, schema_digest=SCHEMA.digest)
    training = side(data, index, split.train, cap_windows, base.seed)
    validation = side(data, index, split.validate, cap_windows, base.seed)
    say(f"{len(training)} windows to learn from, {len(validation)} to judge by.")
    about = {
        "training": _digest(training),
        "validation": _digest(validation),
        "cap_windows": cap_windows,
        **base.model_dump(mode="json"),
    }
    return search(training, validation, base, journal, limits, mask=MASK, about=about, say=say)


def measure_worth(data: Path, directory: Path, judges: str, *, cap_windows: int, say: Say) -> worth.Worth:
    """Measure what features are worth to a run's network and to LightGBM; write `worth.json` beside it."""
    require("--side", judges, ("validate", "test"))
    index, run = read_index(data, schema_digest=SCHEMA.digest), read_run(directory)
    seed = run.training.seeds[0]
    say("Training LightGBM beside the network.")
    training = side(data, index, run.side("train"), cap_windows, seed)
    models: dict[str, Scorer] = {
        run.network: _Network(model_file(directory)),
        "LightGBM": baselines.lightgbm(training, mask=MASK, seed=seed),
    }
    judged = side(data, index, run.side(judges), cap_windows, seed)
    say(f"Swapping features among {min(len(judged), worth.MOST_WINDOWS)} windows.")
    found = worth.measure(judged, models, mask=MASK, seed=seed)
    (directory / worth.WORTH).write_text(found.model_dump_json(indent=1) + "\n")
    return found


def compare_models(
    data: Path,
    split: Split,
    settings: FitSettings,
    networks: Sequence[str],
    *,
    cap_windows: int,
    doubted: Sequence[str],
    out: Path | None,
    say: Say,
) -> dict[str, Figures]:
    """Train and judge all contestants on one split; see `compare`."""
    index = read_index(data, schema_digest=SCHEMA.digest)
    training, validation, test = (
        side(data, index, origins, cap_windows, settings.seed)
        for origins in (split.train, split.validate, split.test)
    )
    say(f"{len(training)} windows to learn from, {len(validation)} to calibrate by, {len(test)} to judge by.")
    sides = (training, validation, test)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
    found = compare(sides, settings, networks, mask=MASK, doubted=doubted, say=say)
    if out:
        out.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _digest(dataset: Dataset) -> str:
    return digest_of("".join(entry.digest for entry in dataset.entries).encode())


class _Network:
    """A saved, calibrated network that scores in large batches."""

    def __init__(self, path: Path) -> None:
        self._model = keras.models.load_model(path, compile=False, safe_mode=True)

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        return predict_logits(self._model, sequences)
