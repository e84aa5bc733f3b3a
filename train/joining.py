"""Runs that differ in their seed alone, as one run whose network is the mean of theirs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from detector.errors import UsageError
from detector.features import SCHEMA
from detector.scorer import KerasScorer
from train.contest import Say, model_file, quiet_thresholds, side
from train.datasets import Index, read_index
from train.fit import temperature_by
from train.networks import calibrated
from train.networks.mean import histories, logits_of, mean_of
from train.record import Run, origins_of, read_run
from train.runs import save_run
from train.settings import FitSettings
from train.split import SIDES, Split


def join_runs(data: Path, directory: Path, members: Sequence[Path], *, cap_windows: int, say: Say) -> Run:
    """Write `run.json` and the calibrated model of the mean of several runs' networks.

    Temperature and thresholds are found as one network's are: by the validation origins, and by those aside.

    Args:
        data: directory of extracted windows, the same that the members were trained on.
        directory: the run's.
        members: directories of runs with the same settings and sides.
        cap_windows: most windows of one class that a capture gives.
        say: is told lines of progress.

    Raises:
        UsageError: a run is missing, or they do not belong together.
    """
    index = read_index(data, schema_digest=SCHEMA.digest)
    runs = [read_run(member) for member in members]
    settings, split = _common(runs, members, index)
    loaded = (
        keras.models.load_model(model_file(member), compile=False, safe_mode=True) for member in members
    )
    model = mean_of([logits_of(each) for each in loaded])
    validation = side(data, index, split.validate, cap_windows, settings.seed)
    say(f"The mean of {len(runs)} networks; {len(validation)} windows to calibrate by.")
    temperature, _ = temperature_by(model, validation, settings)
    whole = calibrated(model, temperature)
    sides = {"validate": split.validate, "aside": split.aside}
    return save_run(
        directory,
        whole,
        index=index,
        split=split,
        settings=settings,
        seeds=[seed for run in runs for seed in run.training.seeds],
        chosen_on=runs[0].chosen_on,
        command=_command(runs, cap_windows),
        record=runs[0].record,
        learnt=runs[0].learnt,
        temperature=temperature,
        history=histories([run.history for run in runs]),
        thresholds=quiet_thresholds(data, index, KerasScorer(whole), **sides),
        left_out=runs[0].training.left_out,
    )


def _common(runs: Sequence[Run], members: Sequence[Path], index: Index) -> tuple[FitSettings, Split]:
    """Return the settings, with the first seed, and the sides that all runs have."""
    seeds = [seed for run in runs for seed in run.training.seeds]
    if len(set(seeds)) < max(len(seeds), 2):
        raise UsageError(f"got runs with the seeds {seeds}; name two or more of different seeds")
    for run, member in zip(runs, members, strict=True):
        if _recipe(run) != _recipe(runs[0]):
            raise UsageError(
                f"{member}: has other settings or sides than {members[0]}; name runs of other seeds alone"
            )
    split = Split(**{name: runs[0].side(name) for name in SIDES})
    if not split.validate:
        raise UsageError(f"{members[0]}: has no origins to calibrate by; name runs of a fold")
    if origins_of(index, split) != runs[0].training.origins:
        raise UsageError(f"{members[0]}: learnt from other windows than these; name the data of the runs")
    settings = runs[0].settings
    if settings is None:
        raise UsageError(f"{members[0]}: does not tell its settings; train it with this version")
    return settings, split


def _recipe(run: Run) -> tuple[Any, ...]:
    settings = run.settings.model_copy(update={"seed": 0}) if run.settings else None
    return settings, run.network, run.training.origins, run.training.left_out


def _command(runs: Sequence[Run], cap_windows: int) -> str:
    """Return what to say to make it again."""
    seeds = [str(seed) for run in runs for seed in run.training.seeds]
    named = " ".join(f"seed-{seed}" for seed in seeds)
    return (
        f"{runs[0].training.command}; the same with --seed {', '.join(seeds[1:])}; "
        f"iotids-train join {named} --cap-windows {cap_windows}"
    )
