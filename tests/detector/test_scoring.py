"""The thread that scores, and those that take over from it."""

import gc
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from detector.errors import IotidsError
from detector.scoring import MAX_RESTARTS, Scoring
from tests.network import until


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "score"}


def test_calls_are_made_one_after_the_other_in_one_thread() -> None:
    scoring = Scoring()
    futures = [scoring.submit(lambda n=n: (n, threading.get_ident())) for n in range(100)]  # type: ignore[misc]
    results: list[Any] = [scoring.result(future, 5) for future in futures]
    assert [number for number, _ in results] == list(range(100))
    assert len({thread for _, thread in results} | {threading.get_ident()}) == 2


def test_an_error_is_the_callers() -> None:
    scoring = Scoring()
    with pytest.raises(ZeroDivisionError):
        scoring.result(scoring.submit(lambda: 1 / 0), None)
    assert scoring.result(scoring.submit(lambda: 1), None) == 1


def test_a_call_that_hangs_is_left_behind() -> None:
    scoring, release, done = Scoring(), threading.Event(), threading.Event()
    hanging: Future[bool] = scoring.submit(release.wait)
    behind = scoring.submit(done.set)
    with pytest.raises(TimeoutError):
        scoring.result(hanging, 0.05)
    assert scoring.restarts == 1
    assert scoring.result(scoring.submit(lambda: 2), 5) == 2
    with pytest.raises(TimeoutError):
        scoring.result(behind, 5)
    assert scoring.restarts == 1  # once for both
    release.set()
    scoring.result(scoring.submit(lambda: 3), 5)
    with pytest.raises(TimeoutError):
        hanging.result(0)  # what comes too late is not wanted any more
    assert not done.is_set()


def test_it_is_not_replaced_for_ever() -> None:
    scoring, release = Scoring(), threading.Event()
    for _ in range(MAX_RESTARTS):
        scoring.submit(release.wait)
        scoring.replace()
    with pytest.raises(IotidsError, match="scoring hung 4 times"):
        scoring.replace()
    release.set()


def test_no_thread_outlives_its_owner() -> None:
    before = threads()
    scoring = Scoring()
    scoring.replace()
    own = threads() - before
    until(lambda: sum(thread.is_alive() for thread in own) == 1, 5)
    del scoring
    gc.collect()
    until(lambda: not any(thread.is_alive() for thread in own), 5)
