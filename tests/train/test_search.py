import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("optuna")

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from detector.errors import UsageError
from tests.train import samples
from train import search as module
from train.search import Limits, search
from train.settings import Choice, FitSettings

pytestmark = pytest.mark.tensorflow

TRAINING, VALIDATION = samples.dataset(origins=2, each=15), samples.dataset(origins=1, each=15, seed=100)
BASE = FitSettings(network="cnn", epochs=1, seed=2)
ABOUT: dict[str, object] = {"epochs": 1, "features": None, "training": "sha256:0"}


def searched(
    journal: Path,
    trials: int,
    *,
    base: FitSettings = BASE,
    told: list[str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Choice:
    return search(
        TRAINING,
        VALIDATION,
        base,
        journal,
        Limits(seconds=600.0, trials=trials),
        mask=samples.MASK,
        about={**ABOUT, "epochs": base.epochs},
        say=(told if told is not None else []).append,
        clock=clock,
    )


def trials_of(journal: Path) -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.load_study(study_name="iotids", storage=storage).trials


def test_a_search_resumes_and_gives_the_best_of_all_its_trials(tmp_path: Path) -> None:
    journal, told = tmp_path / "deep" / "search.log", list[str]()
    searched(journal, 1, told=told)
    choice = searched(journal, 2, told=told)
    trials = trials_of(journal)
    assert [line.split(":")[0] for line in told] == ["trial 0", "trial 1"]
    assert len({trial.params["learning_rate"] for trial in trials}) == 2
    best = min(trials, key=lambda trial: trial.value or 0.0)
    assert choice.settings.learning_rate == best.params["learning_rate"]
    assert choice.settings.size.filters == best.params["filters"]
    assert (choice.settings.network, choice.settings.epochs, choice.settings.seed) == ("cnn", 1, 2)
    assert choice.chosen_on == ("origin-0",)


def test_a_journal_of_another_search_is_refused(tmp_path: Path) -> None:
    module._opened(tmp_path / "search.log", ABOUT, 2)
    with pytest.raises(UsageError, match=r"search\.log: was begun with another epochs; give the same"):
        searched(tmp_path / "search.log", 2, base=BASE.model_copy(update={"epochs": 2}))


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "search.log").write_text("hello\n")
    with pytest.raises(UsageError, match="no journal of a search"):
        searched(tmp_path / "search.log", 1)


def test_a_trial_that_a_killed_search_left_is_tried_again(tmp_path: Path) -> None:
    journal = tmp_path / "search.log"
    left = module._opened(journal, ABOUT, 2).ask()  # begun, and its process never came back
    module._proposed(left, BASE)
    searched(journal, 1)
    first, again = trials_of(journal)
    assert first.state == optuna.trial.TrialState.FAIL
    assert again.state == optuna.trial.TrialState.COMPLETE
    assert again.params == first.params


def test_past_the_deadline_a_running_trial_is_cut_off_if_another_finished(
    tmp_path: Path,
) -> None:
    times = iter([0.0, 1.0, 2.0, 3.0, 4.0, 1000.0, 1001.0])
    base, told = BASE.model_copy(update={"epochs": 2}), list[str]()
    searched(tmp_path / "search.log", 5, base=base, told=told, clock=lambda: next(times))
    assert [line.split(":")[1].split(",")[0] for line in told][1:] == [" cut off"]
    assert len(told) == 2


def test_without_time_nothing_is_found(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trial finished; give the search more time"):
        search(
            TRAINING,
            VALIDATION,
            BASE,
            tmp_path / "search.log",
            Limits(seconds=0.0),
            mask=samples.MASK,
            about=ABOUT,
            say=lambda _: None,
        )
