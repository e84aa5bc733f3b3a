"""The daemon: interfaces watched until somebody says stop.

One thread does it all. It waits for packets on every interface at once, meters what came, lets
time pass where nothing came, and scores what is due. Nothing in the loop blocks for longer than
`TURN_SECS`, so a quiet link delays neither a flow's end nor the stop.
"""

import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from detector.config import CaptureConfig
from detector.errors import CaptureError
from detector.logs import LOGGER
from detector.meter import Capture, FlowTable, PacketBlock
from detector.pipeline import Pipeline, due_steps, meter, read
from detector.records import FLOW_DTYPE

TURN_SECS = 0.05
"""The longest wait for a packet."""

GRACE_MS = 250
"""How late a packet may reach us: libpcap's read timeout, and as much again for the scheduler."""

BLOCKS_PER_TURN = 16
"""Blocks read from one interface before the others, and the scorer, have their turn."""

REOPEN_SECS = 1.0
"""Between two tries to reopen an interface that went away."""

REPORT_SECS = 1.0
"""Between two updates of the metrics."""

_LAST_READ_SECS = 0.5
_LAST_WAIT_SECS = 0.15
"""The kernel hands over a half-filled block of packets after 0.1 s."""


@dataclass(slots=True)
class _Link:
    """An interface, with its flow table and what was read but not metered yet."""

    source: int
    name: str
    table: FlowTable
    block: PacketBlock = field(default_factory=PacketBlock)
    capture: Capture | None = None
    retry_at: float = 0.0
    drained: bool = True
    """Whether the last read took all that the kernel held."""


class Daemon:
    """Watches interfaces through a pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        config: CaptureConfig,
        *,
        stopped: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open every interface. `stopped` is asked every turn whether to end.

        Raises:
            CaptureError: one of them cannot be opened.
        """
        self._pipeline, self._config = pipeline, config
        self._stopped, self._clock = stopped, clock
        self._selector = selectors.DefaultSelector()
        self._ahead = self._clock() - time.monotonic()
        self._reported = 0.0
        self._links = [
            _Link(number, name, pipeline.add_source(name, live=True))
            for number, name in enumerate(config.interfaces)
        ]
        for link in self._links:
            self._open(link)

    def run(self) -> None:
        """Watch until stopped; then close what is open and return."""
        while not self._stopped():
            self.turn(TURN_SECS)
        self._finish()

    def turn(self, wait_secs: float) -> None:
        """Take in what came within `wait_secs`, let time pass, and score what is due."""
        self._take_in(wait_secs)
        self._reopen()
        self._watch_clock()
        now_ms = int(self._clock() * 1000) - GRACE_MS
        for link in self._links:
            if link.drained:
                link.table.advance(now_ms)
        self._let_go(starts_anew=False)
        if time.monotonic() - self._reported >= REPORT_SECS:
            self._reported = time.monotonic()
            self._pipeline.report()

    def _take_in(self, wait_secs: float) -> bool:
        """Read every interface that has packets, or had more than it could give; return whether one had."""
        behind = any(not link.drained for link in self._links)
        ready = {key.data for key, _ in self._selector.select(0 if behind else wait_secs)}
        for link in self._links:
            if link.source in ready or not link.drained:
                self._read(link)
        return bool(ready) or behind

    def _open(self, link: _Link) -> None:
        link.capture = self._pipeline.open_capture(link.source, link.name)
        self._selector.register(link.capture.fileno(), selectors.EVENT_READ, link.source)
        LOGGER.info("Watching %s.", link.name)

    def _read(self, link: _Link) -> None:
        """Meter what an interface holds, up to a turn's share."""
        if link.capture is None:
            return
        link.drained = False
        for _ in range(BLOCKS_PER_TURN):
            before = link.block.count
            problem = read(link.capture, link.block)
            came = link.block.count - before
            for step in meter(link.block, link.table, self._pipeline.windows, final=False):
                LOGGER.warning("The clock of %s was set back; what was open has been closed.", link.name)
                self._pipeline.take(step)
            if problem is not None:
                self._lose(link, problem)
            if problem is not None or not came:
                link.drained = True
                return

    def _lose(self, link: _Link, problem: CaptureError) -> None:
        """Let go of an interface that went away; `_reopen` tries to get it back."""
        LOGGER.error("Capture lost: %s. Trying again every %g s.", problem, REOPEN_SECS)
        if link.capture is not None:
            self._selector.unregister(link.capture.fileno())
            self._pipeline.close_capture(link.source, link.capture)
            link.capture = None
        link.retry_at = time.monotonic() + REOPEN_SECS

    def _reopen(self) -> None:
        for link in self._links:
            if link.capture is None and time.monotonic() >= link.retry_at:
                try:
                    self._open(link)
                except CaptureError:
                    link.retry_at = time.monotonic() + REOPEN_SECS

    def _watch_clock(self) -> None:
        """Start anew when the machine's clock is set back: no packet may come to tell us so."""
        ahead = self._clock() - time.monotonic()
        if (self._ahead - ahead) * 1000 > self._config.max_clock_step_ms:
            LOGGER.warning(
                "The clock was set back by %.0f s; what was open has been closed.", self._ahead - ahead
            )
            self._let_go(starts_anew=True)
            for link in self._links:
                link.table.clock.start_anew(int(self._clock() * 1000) - GRACE_MS)
        self._ahead = ahead

    def _let_go(self, *, starts_anew: bool) -> None:
        """Take what all tables let go; windows follow the interface that is furthest behind."""
        taken = [np.zeros(0, FLOW_DTYPE)]
        for link in self._links:
            if starts_anew:
                link.table.flush()
            taken.append(link.table.take())
            self._pipeline.windows.push(taken[-1])
        now_ms = min(link.table.clock.now_ms for link in self._links)
        flows = np.concatenate(taken)
        for step in due_steps(self._pipeline.windows, flows, now_ms, starts_anew=starts_anew):
            self._pipeline.take(step)

    def _finish(self) -> None:
        """Read what came before the stop, for half a second at most, and let everything go."""
        LOGGER.info("Stopping.")
        deadline, stopped_ms = time.monotonic() + _LAST_READ_SECS, int(self._clock() * 1000)
        while time.monotonic() < deadline and self._take_in(_LAST_WAIT_SECS):
            if all(link.table.clock.now_ms >= stopped_ms for link in self._links):
                break
        for link in self._links:
            for step in meter(link.block, link.table, self._pipeline.windows, final=True):
                self._pipeline.take(step)
        self._let_go(starts_anew=True)
        for link in self._links:
            if link.capture is not None:
                self._pipeline.close_capture(link.source, link.capture)
        self._pipeline.report()
