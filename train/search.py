"""The best settings within a budget of time, by validation origins alone.

Optuna's tree of Parzen estimators proposes, the calibrated validation loss decides, and trials that
are worse than most after as many epochs are cut off. The journal is a file of JSON lines: a search
that ends, or is killed, goes on from it. Test origins are not even read. Epochs are not searched: losses
compare at the same epoch only along the same fall of the learning rate; nor are benign weight and budget,
which are what is wanted, not how to get there.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from detector.errors import UsageError
from train.contest import Say
from train.datasets import Dataset
from train.fit import fit
from train.settings import Choice, FitSettings

_STUDY = "iotids"
_WARM_UP_TRIALS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a search ends."""

    seconds: float
    """A trial that runs by then is cut off at its next epoch, unless it is the only one."""
    trials: int | None = None
    """Finished, cut-off ones too, those before a resumption counted."""


def search(
    training: Dataset,
    validation: Dataset,
    base: FitSettings,
    journal: Path,
    limits: Limits,
    *,
    mask: int,
    about: Mapping[str, object],
    say: Say,
    clock: Callable[[], float] = time.monotonic,
) -> Choice:
    """Search, or go on searching, and return the best settings so far.

    Args:
        training: windows to learn from.
        validation: windows of other origins, which decide.
        base: what is not searched stays as it is here.
        journal: the search's file; an existing one is gone on with.
        limits: when it ends.
        mask: the column of the feature `mask`.
        about: what is searched, by name, as JSON has it; a journal of something else is refused.
        say: is told a line a trial.
        clock: seconds, never going back.

    Raises:
        UsageError: the journal is of another search, or is none; or no trial finished.
    """
    study = _opened(journal, about, base.seed)
    deadline = clock() + limits.seconds

    def objective(trial: optuna.Trial) -> float:
        counts = float("inf")

        def judge(epoch: int, loss: float) -> None:
            nonlocal counts
            counts = min(counts, loss) if settings.keep_best else loss
            trial.report(counts, epoch)
            late = clock() > deadline and bool(_finished(study))
            if epoch + 1 < settings.epochs and (late or trial.should_prune()):
                raise optuna.TrialPruned

        settings = _proposed(trial, base)
        fit(training, validation, settings, mask=mask, judge=judge)
        return counts

    def told(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        reached = f"{trial.value:.4f}" if trial.state == TrialState.COMPLETE else "cut off"
        best = f"best {study.best_value:.4f}" if _finished(study) else "none finished"
        say(f"trial {trial.number}: {reached}, {best}")

    while clock() < deadline and (limits.trials is None or _done(study) < limits.trials):
        study.optimize(objective, n_trials=1, callbacks=[told])
    if not _finished(study):
        raise UsageError(f"{journal}: no trial finished; give the search more time")
    best = optuna.trial.FixedTrial(study.best_params)
    origins = sorted({entry.origin for entry in validation.entries})
    return Choice(settings=_proposed(best, base), chosen_on=tuple(origins))


def _proposed(trial: Any, base: FitSettings) -> FitSettings:
    """Return the base with what the trial says."""
    size = base.size.model_copy(
        update={
            "filters": trial.suggest_categorical("filters", [16, 32, 64]),
            "units": trial.suggest_categorical("units", [16, 32, 64]),
            "summary_units": trial.suggest_categorical("summary_units", [32, 64, 128]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "summary_dropout": trial.suggest_float("summary_dropout", 0.2, 0.7),
            "noise": trial.suggest_float("noise", 0.0, 0.6),
            "feature_dropout": trial.suggest_float("feature_dropout", 0.0, 0.6),
        }
    )
    return base.model_copy(
        update={
            "size": size,
            "batch": trial.suggest_categorical("batch", [128, 256, 512]),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 1e-1, log=True),
            "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.1),
        }
    )


def _opened(journal: Path, about: Mapping[str, object], seed: int) -> optuna.Study:
    """Open the study; trials that a killed search left running are tried again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    try:
        backend = JournalFileBackend(str(journal), lock_obj=JournalFileOpenLock(str(journal)))
        storage = JournalStorage(backend)
        study = optuna.create_study(storage=storage, study_name=_STUDY, load_if_exists=True)
    except (OSError, ValueError, KeyError) as error:
        line = " ".join(str(error).split())[:200]
        raise UsageError(f"{journal}: no journal of a search ({line}); name another file") from error
    known = study.user_attrs.get("about", about)
    if other := [name for name in {**known, **about} if known.get(name) != about.get(name)]:
        raise UsageError(
            f"{journal}: was begun with another {', '.join(other)}; give the same, or name another --journal"
        )
    study.set_user_attr("about", dict(about))
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)
        study.enqueue_trial(left.params)
    # A resumed search must not propose again what it proposed first.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=_WARM_UP_TRIALS)
    return study


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _done(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
