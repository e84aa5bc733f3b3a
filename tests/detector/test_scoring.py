"""The thread that scores, and those that take over from it."""

import gc
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from detector.errors import IotidsError
from detector.scoring import MAX_LEFT_BEHIND, Scoring
from tests.network import until

ROOT = Path(__file__).parents[2]


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


def test_no_more_than_a_few_threads_may_hang_at_once() -> None:
    scoring, release, begun = Scoring(), threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        release.wait()

    for _ in range(MAX_LEFT_BEHIND + 1):
        scoring.submit(hang)
        assert begun.acquire(timeout=5)
        if scoring.restarts < MAX_LEFT_BEHIND:
            scoring.replace()
    with pytest.raises(IotidsError, match="scoring hangs in 4 threads"):
        scoring.replace()
    release.set()
    for _ in range(2 * MAX_LEFT_BEHIND):  # those that came back do not count
        until(lambda: not any(thread.is_alive() for thread in scoring._left_behind), 5)
        scoring.replace()
    assert scoring.restarts == 3 * MAX_LEFT_BEHIND
    assert scoring.result(scoring.submit(lambda: 4), 5) == 4


def test_a_process_that_stood_still_has_no_scorer_that_hangs(tmp_path: Path) -> None:
    """As when a machine sleeps, or is paused: longer than the patience, in the middle of a call."""
    begun = tmp_path / "begun"
    program = (
        "import time, pathlib\n"
        "from detector.scoring import Scoring\n"
        "scoring = Scoring()\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        "print(scoring.result(scoring.submit(lambda: time.sleep(1.0)), 2.0), scoring.restarts)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
    until(begun.exists, 20)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=20)[0] == b"None 0\n"


def test_no_thread_outlives_its_owner() -> None:
    before = threads()
    scoring = Scoring()
    scoring.replace()
    own = threads() - before
    until(lambda: sum(thread.is_alive() for thread in own) == 1, 5)
    del scoring
    gc.collect()
    until(lambda: not any(thread.is_alive() for thread in own), 5)
