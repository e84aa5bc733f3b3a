"""The path itself: packets to alerts, one function a step.

`steps` turns a capture into flows and due windows; training reads captures through it too, so that
a model learns from exactly what it will be shown. `Pipeline` takes it from there to the sinks.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from detector.bundle import ModelBundle
from detector.config import Config
from detector.errors import CaptureError
from detector.incidents import Incidents
from detector.meter import IGNORED_REASONS, Capture, FlowTable, PacketBlock
from detector.metrics import Metrics
from detector.policy import Policy
from detector.records import Alert, Expiry, FlowBatch, Source, Verdict, WindowBatch
from detector.scorer import Scorer
from detector.sinks import SinkSet
from detector.windows import Windows

STEP_BLOCKS = 4
"""Blocks of packets between two looks at the windows when a file is read at full speed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one stretch of packets gave."""

    flows: FlowBatch
    windows: WindowBatch
    now_ms: int
    """Packet time reached."""
    starts_anew: bool = False
    """The capture's clock was set back right after this step: nothing open goes on."""


def steps(capture: Capture, table: FlowTable, windows: Windows) -> Iterator[Step]:
    """Read a capture file to its end, a step at a time; the last flows stay in the table.

    Raises:
        CaptureError: the file is truncated or corrupt. Everything before the break has been given.
    """
    block = PacketBlock()
    blocks = 0
    broken = None
    while not capture.ended:
        broken = read(capture, block)
        yield from meter(block, table, windows, final=capture.ended)
        blocks += 1
        if blocks % STEP_BLOCKS == 0 or capture.ended:
            yield from take(table, windows)
    if broken is not None:
        raise broken


def read(capture: Capture, block: PacketBlock, room: int | None = None) -> CaptureError | None:
    """Read a block; what broke the capture is returned, so that the packets before it can be metered."""
    try:
        capture.read(block, room)
    except CaptureError as error:
        return error
    return None


def meter(block: PacketBlock, table: FlowTable, windows: Windows, *, final: bool) -> Iterator[Step]:
    """Meter a block; gives steps only where the capture's clock was set back inside it."""
    while not table.consume(block, final=final):
        yield from take(table, windows, starts_anew=True)


def finish(table: FlowTable, windows: Windows) -> Iterator[Step]:
    """Let every flow and window go: the input has ended."""
    table.flush()
    yield from take(table, windows, starts_anew=True)


def take(table: FlowTable, windows: Windows, *, starts_anew: bool = False) -> Iterator[Step]:
    """Pass on the flows that the table let go, and say which windows became due."""
    flows = table.take()
    if starts_anew:
        now_ms = int(flows["export_ms"][-1]) if len(flows) else max(table.clock.now_ms, 0)
    else:
        now_ms = table.clock.now_ms
    windows.push(flows)
    yield from due_steps(windows, flows, now_ms, starts_anew=starts_anew)


def due_steps(windows: Windows, flows: FlowBatch, now_ms: int, *, starts_anew: bool) -> Iterator[Step]:
    """Give a step for each batch of due windows, the flows with the first, and one for the time reached.

    A step must be taken before the next is asked for: its verdicts have a say in which windows follow.
    """
    for due in windows.flush() if starts_anew else windows.advance(now_ms):
        yield Step(flows, due, min(int(due.facts["time_ms"][-1]), now_ms))
        flows = flows[:0]
    yield Step(flows, windows.nothing, max(now_ms, 0), starts_anew)


class CaptureTotals:
    """Adds up the captures that one source had, one after the other."""

    def __init__(self) -> None:
        self._past: Counter[tuple[str, str]] = Counter()
        self._current: Capture | None = None

    def follow(self, capture: Capture) -> None:
        """Count another capture from here on."""
        self._past.update(self._counts())
        self._current = capture

    def now(self) -> tuple[int, dict[str, int], dict[str, int]]:
        """Return packets read, those ignored by reason, and those dropped by stage."""
        counts = self._past + self._counts()
        ignored = {reason: counts["ignored", reason] for reason in IGNORED_REASONS}
        dropped = {stage: counts["dropped", stage] for stage in ("kernel", "interface")}
        return counts["packets", ""], ignored, dropped

    def _counts(self) -> Counter[tuple[str, str]]:
        if self._current is None:
            return Counter()
        kernel, interface = self._current.drops()
        counts = Counter({("packets", ""): self._current.packets})
        counts.update({("ignored", reason): number for reason, number in self._current.ignored.items()})
        counts.update({("dropped", "kernel"): kernel, ("dropped", "interface"): interface})
        return counts


class Pipeline:
    """The path from flows to sinks, with what it keeps between two steps."""

    def __init__(self, config: Config, bundle: ModelBundle, scorer: Scorer, sinks: SinkSet) -> None:
        self.sources: list[Source] = []
        """Where flows come from, by their `source`; grows as captures open."""
        self.tables: list[FlowTable] = []
        """The flow table of each source."""
        self.windows = Windows(bundle.window, config.window)
        self.incidents = Incidents(config.incidents, bundle.digest, self.sources)
        self.sinks = sinks
        self.metrics = Metrics()
        self.metrics.set_bundle(bundle.name, bundle.digest)
        self._config, self._bundle, self._scorer = config, bundle, scorer
        self._policy = Policy(bundle.thresholds, config.thresholds)
        self._totals: list[CaptureTotals] = []

    def add_source(self, name: str, *, live: bool) -> FlowTable:
        """Make room for one more interface, or for a sequence of files; return its flow table."""
        table = FlowTable(
            self._bundle.meter,
            self._config.meter,
            source=len(self.sources),
            max_step_ms=self._config.capture.max_clock_step_ms,
        )
        self.sources.append(Source(name, live))
        self.tables.append(table)
        self._totals.append(CaptureTotals())
        label = self._label(len(self.sources) - 1)
        self.metrics.open_capture(label, ignored=IGNORED_REASONS)
        self.metrics.close_capture(label)  # until `open_capture`
        return table

    def open_capture(self, source: int, name: str) -> Capture:
        """Open the interface, or the next file, of a source.

        Raises:
            CaptureError: it cannot be opened.
        """
        opener = Capture.open_interface if self.sources[source].live else Capture.open_file
        capture = opener(name, self._config.capture, decode_tunnels=self._config.meter.decode_tunnels)
        self.sources[source] = Source(name, self.sources[source].live)
        self._totals[source].follow(capture)
        self.metrics.open_capture(self._label(source))
        return capture

    def close_capture(self, source: int, capture: Capture) -> None:
        """Close a source's capture; it may be opened again."""
        capture.close()
        self.metrics.close_capture(self._label(source))

    def totals(self, source: int) -> CaptureTotals:
        """Return what the captures of a source have read and lost, closed ones included."""
        return self._totals[source]

    def take(self, step: Step) -> list[Alert]:
        """Score a step's windows and send what follows from them."""
        verdicts = self._judge(step.windows)
        alerts = self.incidents.update(verdicts)
        alerts += (
            self.incidents.close(step.now_ms) if step.starts_anew else self.incidents.advance(step.now_ms)
        )
        if alerts:
            self.sinks.emit(alerts)
            self.metrics.observe_alerts(alerts)
        return alerts

    def _judge(self, windows: WindowBatch) -> list[Verdict]:
        if not len(windows):
            return []
        started = time.perf_counter()
        probabilities = self._scorer.score(windows.sequences)
        self.metrics.observe_scoring(len(windows), time.perf_counter() - started)
        verdicts = self._policy.judge(windows, probabilities)
        self.windows.settle(windows, self._policy.calm(verdicts))
        self.metrics.observe_verdicts(verdicts)
        return verdicts

    def _label(self, source: int) -> str:
        """Return a source's name as a metric's label: files come and go, so they share one."""
        return self.sources[source].name if self.sources[source].live else "replay"

    def report(self) -> None:
        """Hand the stages' own counts to the metrics."""
        finished: Counter[Expiry] = Counter()
        for number, (table, totals) in enumerate(zip(self.tables, self._totals, strict=True)):
            finished.update(table.expired)
            packets, ignored, dropped = totals.now()
            self.metrics.set_capture(
                self._label(number),
                packets=packets,
                last_packet_ms=table.last_packet_ms,
                dropped={**dropped, "meter": table.refused},
                ignored=ignored,
                restamped=table.clock.restamped,
            )
        self.metrics.set_flows(finished, sum(map(len, self.tables)))
        self.metrics.set_windows(
            hosts=len(self.windows), evictions=self.windows.evicted, shed=self.windows.shed
        )
        self.metrics.set_incidents(self.incidents.open_count, self.incidents.suppressed)
        self.metrics.set_sink_errors(self.sinks.errors)
