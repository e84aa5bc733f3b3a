"""All sinks together: every alert goes to every one of them, whatever becomes of the others."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from detector.records import Alert
from detector.sinks.outlet import Outlet
from detector.sinks.sink import AlertSink
from detector.sinks.spool import Spool

_LAST_SECS = 2.0
"""What sinks are given to send what waits when the program ends, so that the whole stop stays below 3 s."""


class SinkSet:
    """Sends every alert to every sink."""

    name = "all"

    def __init__(
        self,
        sinks: Sequence[AlertSink],
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        *,
        queued: int | None = None,
    ) -> None:
        """Take over `sinks`; `clock` gives seconds.

        With `queued`, so many alerts may wait for each sink, and `emit` never waits; without, `emit`
        returns when every sink has taken the alerts, as a replay needs it that is to lose nothing.
        """
        self._clock = clock
        self.outlets: tuple[Outlet, ...] = tuple(
            Outlet(sink, logger, clock) if queued is None else Spool(sink, logger, clock, capacity=queued)
            for sink in sinks
        )

    @property
    def errors(self) -> Counter[str]:
        """Failed calls by sink."""
        return Counter({outlet.name: outlet.errors for outlet in self.outlets})

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send to each sink; no error of a sink comes out of here."""
        if not alerts:
            return
        for outlet in self.outlets:
            outlet.emit(alerts)

    def look(self) -> None:
        """Notice sinks that hang; to be called about once a second."""
        for outlet in self.outlets:
            outlet.look()

    def close(self) -> None:
        """Send what waits, for two seconds at most, and close each sink."""
        deadline = self._clock() + _LAST_SECS
        for outlet in self.outlets:
            outlet.stop(deadline)
        for outlet in self.outlets:
            outlet.close()
