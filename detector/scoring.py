"""The thread that scores, and what becomes of it when it hangs.

Nothing can end a thread that hangs inside the model's runtime. So it is left behind, what it was given is
lost, and another takes its place: a few windows without a verdict instead of a detector that says nothing.
"""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar
from weakref import finalize

from detector.errors import IotidsError
from detector.logs import LOGGER

PATIENCE_SECS = 2.5
"""How long scoring may take. The largest batch takes 0.1 s on a server, and a second on a tenth of it."""

MAX_LEFT_BEHIND = 3
"""Threads that hang at the same time at most; then the process should begin anew. Those that came back and
ended do not count: in months of service a machine is overloaded more than once."""

_LOOK_SECS = 0.25
"""What one look counts as waiting, however long it lasted: where the whole process stood still (the machine
slept, or was paused), the thread did too."""

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "Future[Any]"]
_Queue = SimpleQueue[_Job | None]


class Scoring:
    """Runs calls one after the other in a thread of its own."""

    def __init__(self) -> None:
        self.restarts = 0
        """Threads that hung and were replaced."""
        self._queue: _Queue = SimpleQueue()
        self._owed: list[Future[Any]] = []
        self._left_behind: list[Thread] = []
        self._thread = self._start()

    def submit(self, call: Callable[[], T]) -> "Future[T]":
        """Have a call made after those before it; its future fails with TimeoutError if it is lost."""
        future: Future[T] = Future()
        self._owed = [*(owed for owed in self._owed if not owed.done()), future]
        self._queue.put((call, future))
        return future

    def result(self, future: "Future[T]", patience_secs: float | None) -> T:
        """Wait for a call's result; None waits as long as it takes.

        Raises:
            TimeoutError: it was lost with a thread that hung; another has taken over.
            IotidsError: that has happened too often.
        """
        left_secs = patience_secs
        while left_secs is not None and not future.done():
            look_secs = min(_LOOK_SECS, left_secs)
            left_secs -= look_secs
            with suppress(TimeoutError):
                return future.result(look_secs)
            if left_secs <= 0 and not future.done():
                self.replace()
        return future.result()

    def replace(self) -> None:
        """Leave a thread that hangs behind, with all that it was given, and go on with another.

        Raises:
            IotidsError: that has happened too often.
        """
        self._left_behind = [thread for thread in self._left_behind if thread.is_alive()]
        if len(self._left_behind) == MAX_LEFT_BEHIND:
            raise IotidsError(
                f"scoring hangs in {MAX_LEFT_BEHIND + 1} threads, each for over {PATIENCE_SECS:g} s; start "
                "iotids again, and see whether this machine is overloaded"
            )
        self.restarts += 1
        self._left_behind.append(self._thread)
        LOGGER.error("Scoring hangs: what it was given is lost, and another thread takes over.")
        self._queue.put(None)  # ends the thread, should it ever come back
        self._queue = SimpleQueue()
        self._thread = self._start()
        for future in self._owed:
            with suppress(InvalidStateError):  # it came at the last moment
                future.set_exception(TimeoutError())

    def _start(self) -> Thread:
        # A daemon thread, unlike an executor's: one that hangs must not hold up the end of the process.
        thread = Thread(target=_run, args=(self._queue,), name="score", daemon=True)
        thread.start()
        finalize(self, self._queue.put, None)
        return thread


def _run(queue: _Queue) -> None:
    while (job := queue.get()) is not None:
        call, future = job
        with suppress(InvalidStateError):  # given up meanwhile
            if not future.done():
                _make(call, future)
        del job, call, future  # or the last batch would be kept until the next comes


def _make(call: Callable[[], Any], future: "Future[Any]") -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - raised again by who waits for the result
        future.set_exception(error)
    else:
        future.set_result(result)
