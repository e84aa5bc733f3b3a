"""One sink, guarded: its errors are counted and logged here, and go no further."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock

from detector.logs import Seldom
from detector.records import Alert
from detector.sinks.sink import AlertSink, RefusedError, printable

DROP_REASONS = ("failed", "queue_full", "refused", "stopped")
"""Why alerts were lost: the sink failed and there is no queue (a replay), the queue was full, the receiver
did not want them or the sink has a defect, or the program stopped before the sink was back."""


class Outlet:
    """Hands alerts to a sink before it returns, once: what fails is lost, and counted."""

    capacity = 0
    """Alerts that may wait for the sink."""

    def __init__(
        self, sink: AlertSink, logger: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take over `sink`; `clock` gives seconds."""
        self.name = sink.name
        self.errors = 0
        """Failed calls."""
        self.up = True
        """Whether the last call went well, and none hangs."""
        self.dropped: Counter[str] = Counter(dict.fromkeys(DROP_REASONS, 0))
        """Alerts lost, by reason."""
        self._sink, self._logger, self._clock = sink, logger, clock
        self._lock = Lock()
        self._seldom = {"failed": Seldom(clock), "queue_full": Seldom(clock)}
        self._told_down = False

    @property
    def waiting(self) -> int:
        """Alerts that are not sent yet."""
        return 0

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send alerts; no error of the sink comes out of here."""
        if error := self._error_of(lambda: self._sink.emit(alerts)):
            self._drop("refused" if isinstance(error, RefusedError) else "failed", alerts)

    def look(self) -> None:
        """Notice what only shows from outside; to be called about once a second."""

    def stop(self, deadline: float) -> None:
        """Begin to end: what waits is sent until the deadline, a time of the clock."""

    def close(self) -> None:
        """Close the sink; returns at the deadline at the latest."""
        self._told_down = False  # an end that goes well is no recovery
        self._error_of(self._sink.close)

    def _error_of(self, call: Callable[[], None]) -> Exception | None:
        """Call the sink, and return what went wrong, counted and logged."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - alerts for the other sinks matter more
            self._failed(f"{type(error).__name__}: {printable(str(error))}")
            return error
        self.up = True
        if self._told_down:
            self._told_down = False
            self._logger.info("The sink %s takes alerts again.", self.name)
        return None

    def _failed(self, why: str) -> None:
        with self._lock:
            self.errors += 1
            self.up = False
        message = "Alerts could not be sent to the sink %s: %s (%d failures so far)."
        self._told_down |= self._log("failed", message, why, self.errors)

    def _drop(self, reason: str, alerts: Sequence[Alert]) -> None:
        with self._lock:
            self.dropped[reason] += len(alerts)

    def _log(self, trouble: str, message: str, *values: object) -> bool:
        """Log an error of this sink, unless the same trouble was logged just before; return whether."""
        if not self._seldom[trouble].due():
            return False
        self._logger.error(message, self.name, *values)
        return True
