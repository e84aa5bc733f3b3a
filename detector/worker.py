"""A worker: one thread that captures from an interface, meters, and hands finished flows over.

Reading and metering run without the interpreter's lock (`meter.compiled`), so that scoring delays no
packet: in one thread with it, a batch of windows held the capture up for 20 ms, 4,000 packets of a flood.
The worker also owns its interface: it takes it back when it went away, lets time pass where no packet
comes, and notices when the machine's clock is set back.

Under pressure it thins out new flows before the kernel has to drop packets: what is behind the present by
`BEHIND_MS` is caught up with by metering one new flow in 2, then in 4, and so on. Flows that are open go on.
"""

import select
import threading
import time
from collections.abc import Callable

from detector.errors import CaptureError
from detector.handover import Handover
from detector.logs import LOGGER, Seldom
from detector.meter import Capture, FlowTable, PacketBlock, look
from detector.meter.table import MAX_THINNED
from detector.steps import last_ms, pump

ENOUGH_PACKETS = 16_384
"""Read at most before flows are handed over: a tenth of a second of a flood."""

WAIT_SECS = 0.05
"""The longest wait for a packet."""

GRACE_MS = 250
"""How late a packet may reach us: libpcap's read timeout, and as much again for the scheduler."""

REOPEN_SECS = 1.0
"""Between two tries to reopen an interface that went away."""

LOOK_SECS = 1.0
"""Between two looks at what the kernel dropped, and at the interface itself."""

BEHIND_MS = 400
"""A packet older than this has waited in the kernel's buffer for longer than its read timeout explains."""

_STEP_MS = 100
"""So much further behind, one more halving of the new flows."""

_LAST_READ_SECS = 0.5
_LAST_WAIT_SECS = 0.15
"""The kernel hands over a half-filled block of packets after 0.1 s."""


class Worker:
    """Captures from one interface, or takes its share of one, in a thread of its own."""

    def __init__(
        self,
        name: str,
        table: FlowTable,
        handover: Handover,
        *,
        open_capture: Callable[[], Capture],
        close_capture: Callable[[Capture], None],
        max_step_ms: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the capture; `start` begins to read.

        Raises:
            CaptureError: it cannot be opened.
        """
        self.name, self.table, self.handover = name, table, handover
        self.failure: BaseException | None = None
        """What ended the thread, other than `stop`: a defect."""
        self.trouble: str | None = None
        """Why no packet can come, as of the last second."""
        self._problem: str | None = None
        self.reopened = self.clock_steps = 0
        """How often the interface was taken back, and the machine's clock set."""
        self._open_capture, self._close_capture, self._clock = open_capture, close_capture, clock
        self._max_step_ms = max_step_ms
        self._ahead = self._clock() - time.monotonic()
        self._block = PacketBlock()
        self._stopping = threading.Event()
        self._retry_at = self._look_at = 0.0
        self._warn_of_thinning, self._warn_of_loss = Seldom(), Seldom()
        self._thread = threading.Thread(target=self._run, name=f"capture {name}", daemon=True)
        self._capture: Capture | None = self._open_capture()
        self._number = look(name).number

    def start(self) -> None:
        """Begin to read, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to read what came, hand everything over and end."""
        self._stopping.set()

    @property
    def running(self) -> bool:
        """Whether the thread has not ended yet."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.turn(WAIT_SECS)
            self._finish()
        except BaseException as error:  # noqa: BLE001 - raised again by who takes from us
            self.failure = error

    def turn(self, wait_secs: float) -> None:
        """Meter what came within `wait_secs`, and let time pass where nothing came."""
        sign = self.handover.sign_asked
        if self._capture is None:
            self._stopping.wait(wait_secs)
            self._reopen()
        drained = self._read(wait_secs)
        self._look()
        self._watch_clock()
        if drained:
            self.table.advance(int(self._clock() * 1000) - GRACE_MS)
        self.handover.put(self.table.take(), self.table.clock.now_ms, sign=sign)

    def _read(self, wait_secs: float) -> bool:
        """Meter a turn's share of packets; return whether that was all that the kernel held."""
        capture = self._capture
        if capture is None or not select.select([capture], [], [], wait_secs)[0]:
            self._thin_out(behind=False)
            return True
        problem = pump(capture, self._block, self.table, ENOUGH_PACKETS)
        self._consume(final=False)
        if problem is not None:
            self._lose(capture, problem)
            return True
        self._thin_out(behind=not capture.drained)
        return capture.drained

    def _consume(self, *, final: bool) -> None:
        """Meter what the block still holds."""
        while not self.table.consume(self._block, final=final):
            LOGGER.warning("The clock of %s was set back; what was open has been closed.", self.name)
            self._end_time()

    def _end_time(self) -> None:
        flows = self.table.take()
        self.handover.put(flows, last_ms(flows, self.table), starts_anew=True)

    def _thin_out(self, *, behind: bool) -> None:
        """Meter fewer new flows the further we are behind; all of them when we are not."""
        late_ms = self._clock() * 1000 - self.table.clock.now_ms if behind else 0.0
        steps = int((late_ms - BEHIND_MS) // _STEP_MS) + 1
        thinned = min(max(steps, 0), MAX_THINNED) if self.table.clock.now_ms > 0 else 0
        if thinned > 0 and self._warn_of_thinning.due():
            LOGGER.warning("%s brings more than can be metered: new flows are thinned out.", self.name)
        self.table.thinned = thinned

    def _look(self) -> None:
        """Count drops, also when nothing comes any more, and see whether anything can come."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECS
        link = look(self.name)
        if self._capture is not None:
            self._capture.count_drops()
            if link.number != self._number:
                self._lose(self._capture, CaptureError(f"{self.name}: was renamed, or is another one now"))
        problem = link.problem or (None if self._capture is not None else "not open")
        if problem in {None, self._problem}:  # an interface set up just now has its carrier a moment later
            self.trouble = problem
        self._problem = problem

    def _lose(self, capture: Capture, problem: CaptureError) -> None:
        """Let go of an interface that went away; `_reopen` tries to get it back."""
        if self._warn_of_loss.due():
            LOGGER.error("Capture lost: %s. Trying again every %g s.", problem, REOPEN_SECS)
        self._capture = None
        self._close_capture(capture)
        self._retry_at = time.monotonic() + REOPEN_SECS

    def _reopen(self) -> None:
        if time.monotonic() < self._retry_at:
            return
        try:
            self._capture = self._open_capture()
        except CaptureError:
            self._retry_at = time.monotonic() + REOPEN_SECS
            return
        self._number, self._look_at = look(self.name).number, 0.0
        self.reopened += 1

    def _watch_clock(self) -> None:
        """Start anew when the machine's clock is set back: no packet may come to tell us so."""
        ahead = self._clock() - time.monotonic()
        step_secs, self._ahead = ahead - self._ahead, ahead
        if abs(step_secs) * 1000 <= self._max_step_ms:
            return
        self.clock_steps += 1
        if step_secs > 0:
            LOGGER.warning("The clock was set forward by %.0f s, or the machine slept.", step_secs)
            return
        LOGGER.warning(
            "The clock was set back by %.0f s; what was open on %s has been closed.", -step_secs, self.name
        )
        now_ms = int(self._clock() * 1000)
        if self.table.clock.now_ms > now_ms:  # else packets have told already
            self.table.flush()
            self._end_time()
            self.table.clock.start_anew(now_ms - GRACE_MS)

    def _finish(self) -> None:
        """Read what came before the stop, for half a second at most, and let everything go."""
        deadline, stopped_ms = time.monotonic() + _LAST_READ_SECS, int(self._clock() * 1000)
        before = -1
        while self.table.packets > before and self.table.clock.now_ms < stopped_ms:
            before = self.table.packets
            if time.monotonic() < deadline:
                self._read(_LAST_WAIT_SECS)
        self._consume(final=True)
        self.table.flush()
        self.handover.put(self.table.take(), max(self.table.clock.now_ms, 0))
        if self._capture is not None:
            self._close_capture(self._capture)
            self._capture = None
