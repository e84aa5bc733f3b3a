"""The steps of a training run on disk: fit and export. The command line only names them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from detector.bundle import Distribution, Thresholds, Training
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES
from detector.scorer import KerasScorer
from train.contest import MASK, Say, model_file, quiet_thresholds, side
from train.datasets import Dataset, Index, load, read_index
from train.doubts import unfit
from train.export import export_bundle
from train.fit import Fitted, fit
from train.measures import Figures
from train.networks import calibrated
from train.record import FIGURES, MODEL, RUN, Run, origins_of, read_run, versions
from train.reference import record_of
from train.settings import FitSettings
from train.split import Split
from train.survey import Surveyed
from train.teaching import Teachers, teachers_of


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
    learnt = learn(
        data, index, split, settings, cap_windows=cap_windows, say=say, survey=survey, teachers=teachers
    )
    model = calibrated(learnt.fitted.model, learnt.temperature)
    if learnt.teachers:
        thresholds = learnt.teachers.thresholds
    else:
        say("Choosing thresholds on the benign captures of the validation origins.")
        sides = {"validate": split.validate, "aside": split.aside}
        thresholds = quiet_thresholds(data, index, KerasScorer(model), **sides)
    return save_run(
        directory,
        model,
        learnt,
        index=index,
        split=split,
        settings=settings,
        chosen_on=chosen_on,
        command=command,
        temperature=learnt.temperature,
        thresholds=thresholds,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """A network, and what it learnt from."""

    fitted: Fitted
    record: tuple[Distribution, ...]
    left_out: tuple[str, ...]
    """Captures whose packets do not support their label."""
    teachers: Teachers | None

    @property
    def temperature(self) -> float:
        """The teachers', where there are any."""
        return self.teachers.temperature if self.teachers else self.fitted.temperature


def learn(
    data: Path,
    index: Index,
    split: Split,
    settings: FitSettings,
    *,
    cap_windows: int,
    say: Say,
    survey: Mapping[str, Surveyed] | None,
    teachers: Sequence[Path],
) -> Learnt:
    """Train on the split's training origins, by labels or by teachers; see `fit_run`."""
    found = teachers_of(teachers, index, split.test)
    entries = index.of(split.train)
    left_out = unfit(entries, survey) if survey else frozenset()
    taught = [entry for entry in entries if entry.capture not in left_out]
    training = load(data, taught, cap_windows=cap_windows, seed=settings.seed)
    say(f"{len(training)} windows to learn from: {_content(training)}")
    teach, validation = None, None
    if found:
        say(f"{len(found.runs)} of {len(teachers)} runs teach.")
        teach = found.teach
    elif split.validate:
        validation = side(data, index, split.validate, cap_windows, settings.seed)
        say(f"{len(validation)} to calibrate by.")
    fitted = fit(training, validation, settings, mask=MASK, teach=teach, progress=say)
    return Learnt(fitted, record_of(training), tuple(sorted(left_out)), found)


def save_run(
    directory: Path,
    model: Any,
    learnt: Learnt,
    *,
    index: Index,
    split: Split,
    settings: FitSettings,
    chosen_on: Sequence[str],
    command: str,
    temperature: float,
    thresholds: Thresholds,
) -> Run:
    """Write a run's model and `run.json`; figures of another that was there are gone."""
    run = Run(
        network=settings.network,
        settings=settings,
        chosen_on=tuple(chosen_on),
        learnt=learnt.fitted.learnt,
        training=Training(
            command=command,
            seeds=(settings.seed,),
            versions=versions(),
            origins=origins_of(index, split),
            left_out=learnt.left_out,
            teachers=learnt.teachers.commands if learnt.teachers else (),
        ),
        features=index.features,
        meter=index.meter,
        window=index.window,
        temperature=temperature,
        thresholds=thresholds,
        record=learnt.record,
        history=learnt.fitted.history,
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
