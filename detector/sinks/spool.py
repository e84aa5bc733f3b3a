"""Alerts that wait for a sink: whoever gives them goes on at once, and a thread sends them, in order.

A sink that fails is tried again until it is back, ever more slowly. When the queue is full the oldest
alerts go: what happens now matters more than what was, and every later alert of an incident tells all of it
(first seen, last seen, flows, reason), so that the oldest are those that are repeated.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread

from detector.records import Alert
from detector.sinks.outlet import Outlet
from detector.sinks.sink import AlertSink, ConnectedSink, StatefulSink

STALLED_SECS = 3.0
"""A call of a sink that lasts longer is an error, although it may still end well."""

CHECK_SECS = 2.0
"""Between two looks at a connection on which nothing is sent: half of what a broken one may go unnoticed."""

_FIRST_PAUSE_SECS, _LONGEST_PAUSE_SECS = 0.1, 5.0
_LAST_PAUSE_SECS = 0.1
"""Between two tries once the program is to end."""


class Spool(Outlet):
    """Hands alerts to a sink from a thread of its own, one at a time, until it takes them."""

    def __init__(
        self,
        sink: AlertSink,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        *,
        capacity: int,
    ) -> None:
        """Take over `sink` and start the thread; up to `capacity` alerts wait."""
        super().__init__(sink, logger, clock)
        self.capacity = capacity
        self._queue: deque[Alert] = deque()
        self._sending: Alert | None = None
        self._arrived = Condition(self._lock)
        self._stopping = Event()
        self._deadline = float("inf")
        self._abandoned = False
        self._calling_since: float | None = None
        self._stall_told: float | None = None
        self._thread = Thread(target=self._run, name=f"sink-{sink.name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Alerts that are not sent yet, the one that is being sent included."""
        with self._lock:
            return len(self._queue) + (self._sending is not None)

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Let alerts wait to be sent."""
        dropped: list[Alert] = []
        with self._arrived:
            self._queue.extend(alerts)
            while len(self._queue) + (self._sending is not None) > self.capacity and self._queue:
                dropped.append(self._queue.popleft())
            self._arrived.notify()
        if dropped:
            self._drop("queue_full", dropped)
            self._log(
                "queue_full",
                "The queue of the sink %s is full: its oldest alerts are dropped (%d so far).",
                self.dropped["queue_full"],
            )

    def look(self) -> None:
        """Notice a call of the sink that does not end; it is counted and logged once."""
        since = self._calling_since
        if since is None or since == self._stall_told or self._clock() - since < STALLED_SECS:
            return
        self._stall_told = since
        self._failed(f"it has not answered for {self._clock() - since:.0f} s")
        if self._calling_since != since:  # it answered just now
            self.up = True

    def stop(self, deadline: float) -> None:
        """Send what waits until the deadline, and nothing after it."""
        with self._arrived:
            self._deadline = deadline
            self._stopping.set()
            self._arrived.notify()

    def close(self) -> None:
        """Wait for the thread until the deadline; what is not sent by then is lost, and counted."""
        if not self._stopping.is_set():
            self.stop(self._clock())
        self._thread.join(max(self._deadline - self._clock(), 0.0) + _LAST_PAUSE_SECS)
        with self._lock:
            self._abandoned = True
            lost = [*([self._sending] if self._sending else []), *self._queue]
            self._queue.clear()
            self._sending = None
        if lost:
            self._drop("stopped", lost)
            self._logger.error("The sink %s is left with %d alerts not sent.", self.name, len(lost))

    def _drop(self, reason: str, alerts: Sequence[Alert]) -> None:
        super()._drop(reason, alerts)
        if isinstance(self._sink, StatefulSink):
            for alert in alerts:
                self._sink.forget(alert)

    def _run(self) -> None:
        self._call(lambda: self._sink.emit(()))
        while (alert := self._next()) is not None and self._deliver(alert):
            pass
        if not self._abandoned:
            self._told_down = False  # an end that goes well is no recovery
            self._call(self._sink.close)

    def _next(self) -> Alert | None:
        """Wait for an alert, with an eye on the connection; None when there will be no more."""
        if isinstance(sink := self._sink, ConnectedSink):
            while not self._wait(CHECK_SECS):
                self._call(sink.check)
        with self._arrived:
            self._arrived.wait_for(self._has_to_do)
            late = self._abandoned or self._clock() >= self._deadline
            if late or not self._queue:
                return None
            self._sending = self._queue.popleft()
            return self._sending

    def _wait(self, secs: float) -> bool:
        with self._arrived:
            return self._arrived.wait_for(self._has_to_do, secs)

    def _has_to_do(self) -> bool:
        return bool(self._queue) or self._stopping.is_set()

    def _deliver(self, alert: Alert) -> bool:
        """Try until the sink takes the alert or refuses it; return whether it did before time was up."""
        pause_secs = _FIRST_PAUSE_SECS
        while (error := self._call(lambda: self._sink.emit((alert,)))) is not None:
            if not isinstance(error, OSError):  # a refusal, or a defect, which the next try would meet again
                break
            # Jitter, so that sensors which lost the same receiver do not come back all at once.
            self._stopping.wait(pause_secs * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause_secs = min(2 * pause_secs, _LONGEST_PAUSE_SECS)
            if self._stopping.is_set():
                if self._abandoned or self._clock() + _LAST_PAUSE_SECS >= self._deadline:
                    return False
                time.sleep(_LAST_PAUSE_SECS)
        with self._lock:
            kept, self._sending = self._sending, None
        if error is not None and kept is not None:
            self._drop("refused", [kept])
        return True

    def _call(self, call: Callable[[], None]) -> Exception | None:
        self._calling_since = self._clock()
        error = self._error_of(call)
        self._calling_since = None
        return error
