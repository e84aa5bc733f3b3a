"""The model that ships: trained on every origin, calibrated by models that each left some out.

An origin held back for thresholds is an origin not learnt from, and what few captures one can spare say
little of one false incident in a hundred. The runs of all folds together have judged every capture by a
model that never saw its origin; temperature and thresholds come from those judgements, and the model that
ships learns from all. What it reports are the folds' figures, each with what the other folds choose: the
thresholds chosen here are tuned on the captures that they would be judged by.

Shared captures know few busy servers and clients, which are what a flood is easiest mistaken for. So origins
may be set aside, such as sets of the lab's worlds: nothing learns from them, and thresholds must do for them
too, as this model and those of the folds judge them. Thresholds by the quiet captures alone let one in four
of ordinary downloads, polls and streams between two machines open a DoS.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from detector.errors import UsageError
from detector.features import SCHEMA
from detector.scorer import KerasScorer
from train.contest import Bench, Contender, Say, model_file, scored_benign
from train.crossfit import Told, silencing, temperature_of
from train.datasets import Index, read_index
from train.networks import calibrated
from train.record import Run, doubted_by, mean_temperature, read_run
from train.runs import learn, save_run
from train.settings import FitSettings
from train.split import split_by_name
from train.survey import Surveyed


def fit_final(
    data: Path,
    directory: Path,
    folds: Sequence[Path],
    settings: FitSettings,
    *,
    aside: Collection[str] = (),
    cap_windows: int,
    command: str,
    say: Say,
    chosen_on: Sequence[str] = (),
    survey: Mapping[str, Surveyed] | None = None,
    teachers: Sequence[Path] = (),
) -> Run:
    """Train on every origin whose licence allows it, and write `run.json` and the calibrated model.

    Args:
        data: directory of extracted windows, the same that the folds were trained on.
        directory: the run's.
        folds: runs that test on different origins.
        settings: as those of the folds; the seed in them does not count.
        aside: origins to choose thresholds by alone.
        cap_windows: likewise.
        command: to be told in the card.
        say: is told lines of progress.
        chosen_on: origins that settings or features were chosen on.
        survey: with it, captures whose packets do not support their label are left out of training.
        teachers: runs to learn from in place of labels, as those of the folds did.

    Raises:
        UsageError: two of the folds test on the same origin, or one was trained with other settings.
    """
    index = read_index(data, schema_digest=SCHEMA.digest)
    known = _read(folds, settings, taught=bool(teachers))
    split = split_by_name(index, validate=(), test=(), aside=aside)
    learnt = learn(
        data, index, split, settings, cap_windows=cap_windows, say=say, survey=survey, teachers=teachers
    )
    told = [_told(data, index, run, fold, cap_windows) for run, fold in zip(known, folds, strict=True)]
    unseen = temperature_of(told, doubted_by(known))
    temperature = unseen * mean_temperature(known)
    model = calibrated(learnt.fitted.model, temperature)
    quiet = [each for part in told for each in part.benign(unseen)]
    held = scored_benign(data, index, split.aside, KerasScorer(model))
    held += [each for part in told for each in part.held(unseen)]
    say(f"Choosing thresholds on {len(quiet)} benign captures and {len(held)} judgements of those aside.")
    return save_run(
        directory,
        model,
        learnt,
        index=index,
        split=split,
        settings=settings,
        chosen_on=chosen_on,
        command=command,
        temperature=temperature,
        thresholds=silencing(quiet, held),
    )


def _told(data: Path, index: Index, run: Run, fold: Path, cap_windows: int) -> Told:
    """Return what a fold makes of the origins that it never saw."""
    network = Contender(run.network, KerasScorer.load(model_file(fold)), run.thresholds)
    return Bench(data, index, run, cap_windows).tell(network)


def _read(folds: Sequence[Path], settings: FitSettings, *, taught: bool) -> list[Run]:
    """Return the runs of the folds, which belong together and to these settings."""
    runs = [read_run(fold) for fold in folds]
    tested = [origin for run in runs for origin in run.side("test")]
    if not tested or len(set(tested)) < len(tested):
        raise UsageError("--fold-run: expected runs that each test on origins of their own; run all folds")
    for run, fold in zip(runs, folds, strict=True):
        if run.network != settings.network:
            raise UsageError(f"{fold}: holds a {run.network}, expected a {settings.network} as asked for")
        if run.settings and run.settings.model_copy(update={"seed": settings.seed}) != settings:
            raise UsageError(f"{fold}: has other settings than asked for; give fit the same options")
        if bool(run.training.teachers) != taught:
            raise UsageError(f"{fold}: was {'not ' * taught}taught by other runs; give fit the same options")
    return runs
