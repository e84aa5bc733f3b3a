"""The steps of a training run on disk: fit, evaluate, export. The command line only names them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from detector.bundle import Training
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES
from detector.scorer import KerasScorer, Scorer
from train import baselines, evaluate
from train.calibrate import Budget, choose_thresholds
from train.datasets import Dataset, Index, load, load_capture, read_index
from train.evaluate import CaptureOutcome, Figures
from train.export import export_bundle
from train.fit import FitSettings, fit
from train.networks import calibrated
from train.record import FIGURES, MODEL, RUN, Run, origins_of, read_run, versions
from train.split import Split

MASK = SCHEMA.names.index("mask")

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
    run = Run(
        network=settings.network,
        training=Training(
            command=command, seeds=(settings.seed,), versions=versions(), origins=origins_of(index, split)
        ),
        features=index.features,
        meter=index.meter,
        window=index.window,
        temperature=fitted.temperature,
        thresholds=fitted.thresholds,
        history=fitted.history,
    )
    directory.mkdir(parents=True, exist_ok=True)
    calibrated(fitted.model, fitted.temperature).save(directory / MODEL)
    (directory / RUN).write_text(run.model_dump_json(indent=1) + "\n")
    (directory / FIGURES).unlink(missing_ok=True)
    return run


def evaluate_run(
    data: Path, directory: Path, *, cap_windows: int, with_baselines: bool, say: Say
) -> Evaluation:
    """Judge a run on its test origins, next to trees on the same windows, and write `figures.json`."""
    run, index = read_run(directory), read_index(data, schema_digest=SCHEMA.digest)
    seed = run.training.seeds[0]
    test = _side(data, index, run.side("test"), cap_windows, seed)
    scorer = KerasScorer.load(_model(directory))
    outcomes = []
    for entry in index.of(run.side("test")):
        if entry.category in set(CATEGORIES) and entry.windows:
            windows = load_capture(data, entry)
            outcomes.append(evaluate.judge_capture(entry, windows, scorer, run.thresholds))
    figures = {
        run.network: {
            **evaluate.evaluate_windows(scorer, test, run.thresholds),
            **evaluate.capture_figures(outcomes),
        }
    }
    if with_baselines:
        training = _side(data, index, run.side("train"), cap_windows, seed)
        validation = _side(data, index, run.side("validate"), cap_windows, seed)
        for name, learn in (("random forest", baselines.random_forest), ("LightGBM", baselines.lightgbm)):
            say(f"Training the {name}.")
            figures[name] = _baseline_figures(learn(training, mask=MASK, seed=seed), validation, test)
    (directory / FIGURES).write_text(json.dumps(figures, indent=1) + "\n")
    probabilities = scorer.score(test.sequences)
    return Evaluation(figures, evaluate.by_origin(probabilities, test.labels, test.origins), outcomes)


def export_run(directory: Path, path: Path, *, name: str) -> str:
    """Write the bundle of a run and return its digest."""
    run, measured = read_run(directory), directory / FIGURES
    figures: dict[str, Figures] = json.loads(measured.read_text()) if measured.exists() else {}
    model = keras.models.load_model(_model(directory), compile=False, safe_mode=True)
    return export_bundle(path, run, model, name=name, nfstream=ENGINE_VERSION, figures=figures)


def _model(directory: Path) -> Path:
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
