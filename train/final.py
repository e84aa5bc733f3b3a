"""The model that ships: trained on every origin, calibrated by models that each left some out.

An origin held back for thresholds is an origin not learnt from, and what few captures one can spare say
little of one false incident in a hundred. The runs of all folds together have judged every capture by a
model that never saw its origin; temperature and thresholds come from those judgements, and the model that
ships learns from all. What it reports are the folds' own figures, each with the thresholds of its own
validation origins: the ones chosen here are tuned on the captures that they would be judged by.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from detector.bundle import Training
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.records import Category
from detector.scorer import KerasScorer
from train.contest import FALSE_SHARE, MASK, model_file, scored
from train.datasets import load, read_index
from train.fit import FitSettings, fit
from train.networks import calibrated
from train.record import Run, origins_of, read_run, versions
from train.reference import record_of
from train.runs import Say, save_run
from train.split import Split, barred
from train.tune import Scored, tune


def fit_final(
    data: Path,
    directory: Path,
    folds: Sequence[Path],
    settings: FitSettings,
    *,
    cap_windows: int,
    command: str,
    say: Say,
) -> Run:
    """Train on every origin whose licence allows it, and write `run.json` and the calibrated model.

    Args:
        data: directory of extracted windows, the same that the folds were trained on.
        directory: the run's.
        folds: runs that test on different origins.
        settings: as those of the folds.
        cap_windows: likewise.
        command: to be told in the card.
        say: is told lines of progress.

    Raises:
        UsageError: two of the folds test on the same origin, or one was trained with other settings.
    """
    index = read_index(data, schema_digest=SCHEMA.digest)
    known = [read_run(fold) for fold in folds]
    _check(known, folds, settings)
    quiet: list[Scored] = []
    for run, fold in zip(known, folds, strict=True):
        scorer = KerasScorer.load(model_file(fold))
        judged = [
            entry
            for entry in index.of(run.side("test"))
            if entry.category == Category.BENIGN and entry.windows
        ]
        quiet += [scored(data, entry, scorer) for entry in judged]
    say(f"Choosing thresholds on {len(quiet)} benign captures, judged by models that never saw their origin.")
    thresholds = tune(quiet, false_share=FALSE_SHARE)
    temperature = math.exp(sum(math.log(run.temperature) for run in known) / len(known))
    split = Split(frozenset(index.origins) - barred(index), frozenset(), frozenset())
    training = load(data, index.of(split.train), cap_windows=cap_windows, seed=settings.seed)
    say(f"{len(training)} windows to learn from.")
    fitted = fit(training, None, settings, mask=MASK, progress=say)
    return save_run(
        directory,
        calibrated(fitted.model, temperature),
        Run(
            network=settings.network,
            training=Training(
                command=command, seeds=(settings.seed,), versions=versions(), origins=origins_of(index, split)
            ),
            features=index.features,
            meter=index.meter,
            window=index.window,
            temperature=temperature,
            thresholds=thresholds,
            record=record_of(training),
            history=fitted.history,
        ),
    )


def _check(runs: Sequence[Run], folds: Sequence[Path], settings: FitSettings) -> None:
    tested = [origin for run in runs for origin in run.side("test")]
    if not tested or len(set(tested)) < len(tested):
        raise UsageError("--fold-run: expected runs that each test on origins of their own; run all folds")
    for run, fold in zip(runs, folds, strict=True):
        if run.network != settings.network:
            raise UsageError(f"{fold}: holds a {run.network}, expected a {settings.network} as asked for")
