"""Replaying capture files: the live path, with time taken from the packets.

Several files are one stretch of traffic, in the order given, as a rotating capture writes them: a
flow or a window may begin in one and end in the next. A file that starts before the last one ended
starts time anew.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from detector.errors import CaptureError
from detector.meter import Capture, FlowTable, PacketBlock
from detector.pipeline import Pipeline
from detector.records import Alert, FlowBatch
from detector.steps import Step, finish, meter, steps, take
from detector.windows import Windows

_SUFFIXES = (".pcap", ".pcapng", ".cap", ".dmp")
_SOURCE = 0
"""All files of a replay are one source."""

_LONGEST_NAP_SECS = 0.1

BLOCK_PACKETS = 512
"""Packets between two looks at the windows where a paced replay has no time to wait."""


class Pace:
    """Holds a replay to `speed` times the capture's own pace."""

    def __init__(
        self,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._speed, self._clock, self._sleep = speed, clock, sleep
        self._started = clock()
        self._first_ms: int | None = None

    def now_ms(self, packet_ms: int) -> float:
        """Return where in packet time the replay should be; it begins with the first `packet_ms`."""
        if self._first_ms is None or packet_ms < self._first_ms:
            self._first_ms, self._started = packet_ms, self._clock()
        return self._first_ms + (self._clock() - self._started) * 1000.0 * self._speed

    def nap(self, packet_ms: int) -> bool:
        """Sleep a little if `packet_ms` has not come yet; return whether it has."""
        early_ms = packet_ms - self.now_ms(packet_ms)
        if early_ms <= 0:
            return True
        self._sleep(min(early_ms / 1000.0 / self._speed, _LONGEST_NAP_SECS))
        return False


@dataclass(slots=True)
class Progress:
    """How far a replay has come."""

    files: int
    """Files begun."""
    packets: int
    bytes_read: int
    """Of all files, for a share of the whole."""


def capture_files(paths: list[str]) -> list[str]:
    """Return the files to replay: `-`, files as given, and a directory's captures in name order.

    Raises:
        CaptureError: a directory holds no capture.
    """
    found: list[str] = []
    for path in paths:
        if path == "-" or not Path(path).is_dir():
            found.append(path)
            continue
        try:
            inside = sorted(
                str(each) for each in Path(path).iterdir() if each.suffix in _SUFFIXES and each.is_file()
            )
        except OSError as error:
            raise CaptureError(f"{path}: {error.strerror}; name a directory that can be read") from error
        if not inside:
            raise CaptureError(f"{path}: holds no capture; expected files ending in {', '.join(_SUFFIXES)}")
        found += inside
    return found


class Replay:
    """Runs capture files through a pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        speed: float | None = None,
        on_flows: Callable[[FlowBatch], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare; a `speed` of None is as fast as it goes."""
        self._pipeline = pipeline
        self._pace = Pace(speed) if speed else None
        self._on_flows, self._on_progress, self._stopped = on_flows, on_progress, stopped
        self._progress = Progress(0, 0, 0)
        self.problems: list[CaptureError] = []
        """Files that could not be opened, or broke off."""

    def run(self, paths: list[str]) -> Iterator[Alert]:
        """Replay files and yield what they raise; everything still open closes at the end."""
        table = self._pipeline.add_source(paths[0], live=False)
        for path in paths:
            self._progress.files += 1
            try:
                capture = self._pipeline.open_capture(_SOURCE, path)
                yield from self._one(capture, table)
            except CaptureError as error:
                if not self._stopped():  # a signal also interrupts a read
                    self.problems.append(error)
            if self._stopped():
                break
        for step in finish(table, self._pipeline.windows):
            yield from self._take(step)
        self._pipeline.report()

    def _one(self, capture: Capture, table: FlowTable) -> Iterator[Alert]:
        """Replay one open file."""
        progress = self._progress
        bytes_before = progress.bytes_read
        try:
            for step in self._steps(capture, table):
                yield from self._take(step)
                progress.packets = self._pipeline.totals(_SOURCE).now()[0]
                progress.bytes_read = bytes_before + capture.offset()
                if self._on_progress:
                    self._on_progress(progress)
                if self._stopped():
                    break
        finally:
            self._pipeline.close_capture(_SOURCE, capture)

    def _steps(self, capture: Capture, table: FlowTable) -> Iterator[Step]:
        windows = self._pipeline.windows
        if self._pace is None:
            return steps(capture, table, windows)
        return _paced_steps(capture, table, windows, self._pace, self._stopped)

    def _take(self, step: Step) -> list[Alert]:
        if self._on_flows and len(step.flows):
            self._on_flows(step.flows)
        alerts = self._pipeline.take(step)
        # At full speed the next packets are read meanwhile; at a pace they may be long in coming.
        return alerts if self._pace is None else alerts + self._pipeline.complete()


def _paced_steps(
    capture: Capture, table: FlowTable, windows: Windows, pace: Pace, stopped: Callable[[], bool]
) -> Iterator[Step]:
    """Read a file packet by packet, each when its time comes; the flows are those of `steps`.

    While no packet is due time passes all the same: flows end and alerts appear when they would live.
    """
    block = PacketBlock()
    broken: CaptureError | None = None
    ended, untaken = False, 0
    while not ended and not stopped():
        try:
            capture.read(block, room=1)
        except CaptureError as error:
            broken = error
        ended = capture.ended
        if block.count == 1 and not ended and table.clock.doubts(int(block.columns["time"][0])):
            continue  # its successor tells whether to wait for it
        # An empty block is the file's end, and no time to wait for.
        due_ms = int(block.columns["time"][: block.count].min()) if block.count else None
        while due_ms is not None and not pace.nap(due_ms) and not stopped():
            table.advance(min(int(pace.now_ms(due_ms)), due_ms))
            yield from take(table, windows)
            untaken = 0
        yield from meter(block, table, windows, final=ended)
        untaken += 1
        if ended or untaken == BLOCK_PACKETS:
            yield from take(table, windows)
            untaken = 0
    if broken is not None:
        raise broken
