"""The steps of a training run on disk: fit and export. The command line only names them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from detector.bundle import Distribution, Thresholds, Training
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES
from detector.scorer import KerasScorer
from train.contest import MASK, Say, model_file, quiet_thresholds, side
from train.datasets import Dataset, Entry, Index, load, read_index
from train.doubts import unfit
from train.export import export_bundle
from train.fit import fit
from train.measures import Figures
from train.networks import calibrated
from train.record import FIGURES, MODEL, RUN, Run, origins_of, read_run, versions
from train.reference import record_of
from train.settings import FitSettings
from train.split import Split
from train.survey import Surveyed
from train.teaching import teachers_of


def fit_run(
    data: Path,
    directory: Path,
    split: Split,
    settings: FitSettings,
    *,
    cap_windows: int,
    command: str,
    say: Say,
    chosen_on: Sequence[str] = (),
    survey: Mapping[str, Surveyed] | None = None,
    teachers: Sequence[Path] = (),
) -> Run:
    """Train on the split's training origins, and write `run.json` and the calibrated model.

    With a survey, captures whose packets do not support their label are left out of training. With
    teachers, runs of which those teach that did not learn from the test origins, temperature and thresholds
    are theirs, and nothing validates.
    """
    if seen := sorted(split.test & set(chosen_on)):
        say(f"Settings or features were chosen on {', '.join(seen)}: figures on these origins will flatter.")
    index = read_index(data, schema_digest=SCHEMA.digest)
    taught, left_out = lesson_of(index, split, survey)
    training = load(data, taught, cap_windows=cap_windows, seed=settings.seed)
    say(f"{len(training)} windows to learn from: {_content(training)}")
    if teacher := teachers_of(teachers, index, split.test):
        say(f"{len(teacher.runs)} of {len(teachers)} runs teach.")
        fitted = fit(training, None, settings, mask=MASK, teach=teacher.teach, progress=say)
        temperature, thresholds = teacher.temperature, teacher.thresholds
        model = calibrated(fitted.model, temperature)
    else:
        validation = side(data, index, split.validate, cap_windows, settings.seed)
        fitted = fit(training, validation, settings, mask=MASK, progress=say)
        temperature, model = fitted.temperature, calibrated(fitted.model, fitted.temperature)
        say("Choosing thresholds on the benign captures of the validation origins.")
        sides = {"validate": split.validate, "aside": split.aside}
        thresholds = quiet_thresholds(data, index, KerasScorer(model), **sides)
    return save_run(
        directory,
        model,
        index=index,
        split=split,
        settings=settings,
        seeds=[settings.seed],
        chosen_on=chosen_on,
        command=command,
        record=record_of(training),
        learnt=fitted.learnt,
        temperature=temperature,
        history=fitted.history,
        thresholds=thresholds,
        left_out=left_out,
        teachers=teacher.commands if teacher else (),
    )


def lesson_of(
    index: Index, split: Split, survey: Mapping[str, Surveyed] | None
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the captures to learn from, and the names of those left out because their label is in doubt."""
    entries = index.of(split.train)
    left_out = unfit(entries, survey) if survey else frozenset()
    return tuple(each for each in entries if each.capture not in left_out), tuple(sorted(left_out))


def save_run(
    directory: Path,
    model: Any,
    *,
    index: Index,
    split: Split,
    settings: FitSettings,
    seeds: Sequence[int],
    chosen_on: Sequence[str],
    command: str,
    record: tuple[Distribution, ...],
    learnt: dict[str, int],
    temperature: float,
    history: dict[str, list[float]],
    thresholds: Thresholds,
    left_out: tuple[str, ...] = (),
    teachers: tuple[str, ...] = (),
) -> Run:
    """Write a run's model and `run.json`; figures of another that was there are gone."""
    run = Run(
        network=settings.network,
        settings=settings,
        chosen_on=tuple(chosen_on),
        learnt=learnt,
        training=Training(
            command=command,
            seeds=tuple(seeds),
            versions=versions(),
            origins=origins_of(index, split),
            left_out=left_out,
            teachers=teachers,
        ),
        features=index.features,
        meter=index.meter,
        window=index.window,
        temperature=temperature,
        thresholds=thresholds,
        record=record,
        history=history,
    )
    directory.mkdir(parents=True, exist_ok=True)
    model.save(directory / MODEL)
    (directory / RUN).write_text(run.model_dump_json(indent=1) + "\n")
    (directory / FIGURES).unlink(missing_ok=True)
    return run


def export_run(directory: Path, path: Path, *, name: str, figures: Path | None = None) -> str:
    """Write the bundle of a run and return its digest; `figures` may come from runs of the same recipe."""
    run, measured = read_run(directory), figures or directory / FIGURES
    known: dict[str, Figures] = json.loads(measured.read_text()) if measured.exists() else {}
    model = keras.models.load_model(model_file(directory), compile=False, safe_mode=True)
    return export_bundle(path, run, model, name=name, nfstream=ENGINE_VERSION, figures=known)


def _content(dataset: Dataset) -> str:
    return ", ".join(
        f"{category} {(dataset.labels == label).sum()}" for label, category in enumerate(CATEGORIES)
    )
