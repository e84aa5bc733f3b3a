"""The steps of a training run on disk: fit, evaluate, export. The command line only names them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from detector.bundle import Training
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES, Category, WindowBatch
from detector.scorer import KerasScorer, Scorer
from train import baselines, evaluate
from train.calibrate import Budget, choose_thresholds
from train.datasets import Dataset, Entry, Index, load, load_capture, read_index
from train.evaluate import CaptureOutcome, Figures
from train.export import export_bundle
from train.fit import FitSettings, fit
from train.networks import PAPERS, calibrated
from train.record import FIGURES, MODEL, RUN, Run, origins_of, read_run, versions
from train.reference import record_of
from train.split import Split
from train.tune import Scored, tune

MASK = SCHEMA.names.index("mask")

FALSE_SHARE = 0.02
"""Of benign validation captures, how many may raise an incident."""

PAPERS_EPOCHS, PAPERS_BATCH = 10, 32
"""How the paper's own networks learn."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of all models, and what became of each capture under the network."""

    figures: dict[str, Figures]
    origins: dict[str, Figures]
    captures: list[CaptureOutcome]


def fit_run(
    data: Path,
    directory: Path,
    split: Split,
    settings: FitSettings,
    *,
    cap_windows: int,
    command: str,
    say: Say,
) -> Run:
    """Train on the split's training origins, and write `run.json` and the calibrated model."""
    index = read_index(data, schema_digest=SCHEMA.digest)
    training = _side(data, index, split.train, cap_windows, settings.seed)
    validation = _side(data, index, split.validate, cap_windows, settings.seed)
    say(f"{len(training)} windows to learn from, {len(validation)} to stop by, {_content(training)}")
    fitted = fit(training, validation, settings, mask=MASK, progress=say)
    model = calibrated(fitted.model, fitted.temperature)
    quiet = [
        entry for entry in index.of(split.validate) if entry.category == Category.BENIGN and entry.windows
    ]
    say(f"Choosing thresholds on {len(quiet)} benign captures.")
    return save_run(
        directory,
        model,
        Run(
            network=settings.network,
            training=Training(
                command=command, seeds=(settings.seed,), versions=versions(), origins=origins_of(index, split)
            ),
            features=index.features,
            meter=index.meter,
            window=index.window,
            temperature=fitted.temperature,
            thresholds=tune(
                [scored(data, entry, KerasScorer(model)) for entry in quiet], false_share=FALSE_SHARE
            ),
            record=record_of(training),
            history=fitted.history,
        ),
    )


def save_run(directory: Path, model: Any, run: Run) -> Run:
    """Write a run's model and `run.json`; figures of another that was there are gone."""
    directory.mkdir(parents=True, exist_ok=True)
    model.save(directory / MODEL)
    (directory / RUN).write_text(run.model_dump_json(indent=1) + "\n")
    (directory / FIGURES).unlink(missing_ok=True)
    return run


def evaluate_runs(
    data: Path, directories: Sequence[Path], *, cap_windows: int, with_baselines: bool, say: Say
) -> Evaluation:
    """Judge runs on their test origins, and write the figures beside each model.

    Several runs, each with test origins of its own, are judged as one: every capture by the run that
    never saw its origin. Trees and the paper's networks, trained on the same windows,
    stand beside a single run.

    Raises:
        UsageError: an origin is tested by two of the runs.
    """
    index = read_index(data, schema_digest=SCHEMA.digest)
    parts = [_judge(data, index, directory, cap_windows) for directory in directories]
    if len({origin for part in parts for origin in part.origins}) < sum(len(part.origins) for part in parts):
        raise UsageError("two runs test on the same origin; name runs of different folds")
    name = parts[0].name if len(parts) == 1 else f"{parts[0].name}, {len(parts)} models"
    captures = [outcome for part in parts for outcome in part.captures]
    labels = np.concatenate([part.labels for part in parts])
    probabilities = np.concatenate([part.probabilities for part in parts])
    figures = {
        name: {
            **evaluate.window_figures(probabilities, labels),
            **(parts[0].rates if len(parts) == 1 else {}),
            **evaluate.capture_figures(captures),
        }
    }
    if with_baselines and len(parts) == 1:
        figures |= _baselines(data, index, read_run(directories[0]), cap_windows, say)
    for directory in directories:
        (directory / FIGURES).write_text(json.dumps(figures, indent=1) + "\n")
    origins = {origin: measured for part in parts for origin, measured in part.origins.items()}
    return Evaluation(figures, origins, captures)


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What one run makes of its test origins."""

    name: str
    labels: NDArray[np.int8]
    probabilities: NDArray[np.float32]
    rates: Figures
    origins: dict[str, Figures]
    captures: list[CaptureOutcome]


def _judge(data: Path, index: Index, directory: Path, cap_windows: int) -> _Judged:
    run, scorer = read_run(directory), KerasScorer.load(model_file(directory))
    test = _side(data, index, run.side("test"), cap_windows, run.training.seeds[0])
    judged = [entry for entry in index.of(run.side("test")) if entry.category in set(CATEGORIES)]
    captures = [
        evaluate.judge_capture(entry, scored(data, entry, scorer), run.thresholds) for entry in judged
    ]
    probabilities = scorer.score(test.sequences)
    return _Judged(
        name=run.network,
        labels=test.labels,
        probabilities=probabilities,
        rates=evaluate.threshold_figures(probabilities, test.labels, run.thresholds),
        origins=evaluate.by_origin(probabilities, test.labels, test.origins),
        captures=captures,
    )


def scored(data: Path, entry: Entry, scorer: Scorer) -> Scored:
    """Score all windows of a capture, left-out ones too."""
    windows = load_capture(data, entry)
    batch = WindowBatch(windows.sequences, windows.facts)
    return Scored(entry.capture, batch, scorer.score(windows.sequences))


def _baselines(data: Path, index: Index, run: Run, cap_windows: int, say: Say) -> dict[str, Figures]:
    seed = run.training.seeds[0]
    training, validation, test = (
        _side(data, index, run.side(side), cap_windows, seed) for side in ("train", "validate", "test")
    )
    figures = {}
    for name, learn in (("random forest", baselines.random_forest), ("LightGBM", baselines.lightgbm)):
        say(f"Training the {name}.")
        figures[name] = _baseline_figures(learn(training, mask=MASK, seed=seed), validation, test)
    for name in PAPERS:
        say(f"Training the {name}.")
        settings = FitSettings(network=name, seed=seed, epochs=PAPERS_EPOCHS, batch=PAPERS_BATCH)
        fitted = fit(training, validation, settings, mask=MASK)
        scorer = KerasScorer(calibrated(fitted.model, fitted.temperature))
        figures[name] = _baseline_figures(scorer, validation, test)
    return figures


def export_run(directory: Path, path: Path, *, name: str, figures: Path | None = None) -> str:
    """Write the bundle of a run and return its digest; `figures` may come from runs of the same recipe."""
    run, measured = read_run(directory), figures or directory / FIGURES
    known: dict[str, Figures] = json.loads(measured.read_text()) if measured.exists() else {}
    model = keras.models.load_model(model_file(directory), compile=False, safe_mode=True)
    return export_bundle(path, run, model, name=name, nfstream=ENGINE_VERSION, figures=known)


def model_file(directory: Path) -> Path:
    """Return a run's model.

    Raises:
        UsageError: it is missing.
    """
    if not (directory / MODEL).is_file():
        raise UsageError(f"{directory / MODEL}: is missing; run iotids-train fit")
    return directory / MODEL


def _baseline_figures(scorer: Scorer, validation: Dataset, test: Dataset) -> Figures:
    chosen = choose_thresholds(
        scorer.score(validation.sequences).astype("float64"), validation.labels, Budget()
    )
    return evaluate.evaluate_windows(scorer, test, chosen)


def _side(data: Path, index: Index, origins: frozenset[str], cap_windows: int, seed: int) -> Dataset:
    return load(data, index.of(origins), cap_windows=cap_windows, seed=seed)


def _content(dataset: Dataset) -> str:
    return ", ".join(
        f"{category} {(dataset.labels == label).sum()}" for label, category in enumerate(CATEGORIES)
    )
