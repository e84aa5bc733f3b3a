"""The path itself: from due windows to alerts, and what it needs of captures and flow tables before that.

A step is scored in a thread of its own while the next one is metered and enters its windows: a profile of
ordinary traffic has scoring at half of all time, and ONNX Runtime gives the interpreter's lock away (2.3 s
became 1.4). Two further ways were measured and left: splitting a batch over two threads gave less, and
reading a file ahead in a third thread made it slower, on two cores.
"""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from detector.bundle import ModelBundle
from detector.config import Config
from detector.drift import Drift
from detector.handover import Handover
from detector.incidents import Incidents
from detector.logs import LOGGER
from detector.meter import IGNORED_REASONS, Capture, Fanout, FlowTable, flow_table
from detector.metrics import Metrics
from detector.policy import Policy
from detector.records import Alert, Expiry, Source, Verdict, WindowBatch
from detector.scorer import Scorer
from detector.sinks import SinkSet
from detector.steps import Step
from detector.windows import Windows

MIN_ACTIVE_FLOWS = 16
"""The least room for flows that a configuration may ask for, and so the least that a worker's share is."""

FLOWS_LOST = ("windows", "queue_full")
"""Stage and reason of flows for which the hand-over had no room."""


class CaptureTotals:
    """Adds up the captures that one flow table had, one after the other; any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._past: Counter[tuple[str, str]] = Counter()
        self._current: Capture | None = None

    def follow(self, capture: Capture) -> None:
        """Count another capture from here on."""
        with self._lock:
            self._past.update(self._counts())
            self._current = capture

    def now(self) -> tuple[int, dict[str, int], dict[str, int]]:
        """Return packets read, those ignored by reason, and those dropped by stage."""
        with self._lock:
            counts = self._past + self._counts()
        ignored = {reason: counts["ignored", reason] for reason in IGNORED_REASONS}
        dropped = {stage: counts["dropped", stage] for stage in ("kernel", "interface")}
        return counts["packets", ""], ignored, dropped

    def _counts(self) -> Counter[tuple[str, str]]:
        if self._current is None:
            return Counter()
        kernel, interface = self._current.drops()
        counts = Counter({("packets", ""): self._current.packets})
        ignored = dict(self._current.ignored)  # a copy in one step: a worker may add to it
        counts.update({("ignored", reason): number for reason, number in ignored.items()})
        counts.update({("dropped", "kernel"): kernel, ("dropped", "interface"): interface})
        return counts


@dataclass(slots=True)
class _Begun:
    """A step whose windows are being scored."""

    step: Step
    probabilities: Future[NDArray[np.float32]]
    reached_ms: int
    """Packet time that has been reached meanwhile."""


class Pipeline:
    """The path from flows to sinks, with what it keeps between two steps."""

    def __init__(self, config: Config, bundle: ModelBundle, scorer: Scorer, sinks: SinkSet) -> None:
        self.sources: list[Source] = []
        """Where flows come from, by their `source`; grows as captures open."""
        self.tables: list[FlowTable] = []
        """Flow tables: one a source, or one for each worker that takes its share of it."""
        self.handovers: list[Handover] = []
        """Where finished flows wait, if a worker has metered them."""
        self.windows = Windows(bundle.window, config.window)
        self.incidents = Incidents(config.incidents, bundle.digest, self.sources)
        self.sinks = sinks
        self.drift = Drift(bundle.manifest.features.names, bundle.manifest.record)
        self.metrics = Metrics()
        self.metrics.set_bundle(bundle.name, bundle.digest)
        self._config, self._bundle, self._scorer = config, bundle, scorer
        self._policy = Policy(bundle.thresholds, config.thresholds)
        self._scoring = ThreadPoolExecutor(1, "score")
        self._begun: _Begun | None = None
        self._reached_ms = 0
        """Packet time up to which everything has passed every stage."""
        self._totals: list[CaptureTotals] = []
        self._source_of: list[int] = []
        """The source of each flow table."""
        self._shut: set[int] = set()
        """Flow tables of interfaces that have no open capture."""

    def add_source(self, name: str, *, live: bool) -> FlowTable:
        """Make room for one more interface, or for a sequence of files; return its flow table."""
        self.sources.append(Source(name, live))
        table = self.add_table()
        label = self._label(len(self.sources) - 1)
        self.metrics.open_capture(label, ignored=IGNORED_REASONS)
        self.metrics.close_capture(label)  # until `open_capture`
        return table

    def add_table(self) -> FlowTable:
        """Return one more flow table for the last source: another worker takes a share of it."""
        source = len(self.sources) - 1
        workers = self._config.capture.workers if self.sources[source].live else 1
        share = max(self._config.meter.max_active_flows // workers, MIN_ACTIVE_FLOWS)
        table = flow_table(
            self._bundle.meter,
            self._config.meter.model_copy(update={"max_active_flows": share}),
            source=source,
            max_step_ms=self._config.capture.max_clock_step_ms,
        )
        self._shut.add(len(self.tables))
        self.tables.append(table)
        self._source_of.append(source)
        self._totals.append(CaptureTotals())
        return table

    def open_capture(self, number: int, name: str, fanout: Fanout | None = None) -> Capture:
        """Open the interface, or the next file, that the flow table of this number meters.

        Raises:
            CaptureError: it cannot be opened.
        """
        source = self._source_of[number]
        config, tunnels = self._config.capture, self._config.meter.decode_tunnels
        if self.sources[source].live:
            capture = Capture.open_interface(name, config, decode_tunnels=tunnels, fanout=fanout)
        else:
            capture = Capture.open_file(name, config, decode_tunnels=tunnels)
        self.sources[source] = Source(name, self.sources[source].live)
        self._totals[number].follow(capture)
        self._shut.discard(number)
        if not any(self._source_of[each] == source for each in tuple(self._shut)):
            self.metrics.open_capture(self._label(source))
        return capture

    def close_capture(self, number: int, capture: Capture) -> None:
        """Close the capture of a flow table; it may be opened again."""
        capture.close()
        self._shut.add(number)
        self.metrics.close_capture(self._label(self._source_of[number]))

    def totals(self, number: int) -> CaptureTotals:
        """Return what the captures of a flow table have read and lost, closed ones included."""
        return self._totals[number]

    def take(self, step: Step) -> list[Alert]:
        """Begin to score a step's windows, and send what follows from those of the step before.

        So a step is scored while the next is metered and enters its windows; `complete` waits for it.
        """
        if not len(step.windows):
            if self._begun is not None and not step.starts_anew:
                self._begun.reached_ms = max(self._begun.reached_ms, step.now_ms)
                return self.complete() if self.windows.needs(self._begun.step.windows) else []
            return self.complete() + self._follow(step, [], step.now_ms)
        alerts = self.complete()
        self._begun = _Begun(step, self._scoring.submit(self._score, step.windows), step.now_ms)
        if step.starts_anew or self.windows.needs(step.windows):
            alerts += self.complete()
        return alerts

    def complete(self) -> list[Alert]:
        """Send what follows from the windows that are being scored."""
        if self._begun is None:
            return []
        begun, self._begun = self._begun, None
        verdicts = self._policy.judge(begun.step.windows, begun.probabilities.result())
        self.metrics.observe_verdicts(verdicts)
        self.drift.count(begun.step.windows, verdicts)
        return self._follow(begun.step, verdicts, begun.reached_ms)

    def _follow(self, step: Step, verdicts: list[Verdict], now_ms: int) -> list[Alert]:
        alerts = self.incidents.update(verdicts)
        explained = np.array(self.incidents.explained, bool)
        self.windows.settle(step.windows, self._policy.calm(verdicts), known=explained)
        alerts += self.incidents.close(now_ms) if step.starts_anew else self.incidents.advance(now_ms)
        if alerts:
            self.sinks.emit(alerts)
            self.metrics.observe_alerts(alerts)
        self._reached_ms = now_ms
        return alerts

    def _score(self, windows: WindowBatch) -> NDArray[np.float32]:
        started = time.perf_counter()
        probabilities = self._scorer.score(windows.sequences)
        self.metrics.observe_scoring(len(windows), time.perf_counter() - started)
        return probabilities

    def _label(self, source: int) -> str:
        """Return a source's name as a metric's label: files come and go, so they share one."""
        return self.sources[source].name if self.sources[source].live else "replay"

    def report(self) -> None:
        """Hand the stages' own counts to the metrics."""
        finished: Counter[Expiry] = Counter()
        for table in self.tables:
            finished.update(dict(table.expired))  # a copy in one step: a worker may add to it
        for source in range(len(self.sources)):
            self._report_source(source)
        lost = sum(handover.dropped for handover in self.handovers)
        self.metrics.set_path(self._reached_ms)
        self.metrics.set_flows(finished, sum(map(len, self.tables)), {FLOWS_LOST: lost})
        self.metrics.set_queue(
            "flows",
            length=sum(handover.queued for handover in self.handovers),
            capacity=sum(handover.max_flows for handover in self.handovers),
        )
        self.metrics.set_windows(
            hosts=len(self.windows),
            evictions=self.windows.evicted,
            shed=self.windows.shed,
        )
        self.metrics.set_incidents(self.incidents.open_count, self.incidents.suppressed)
        self.metrics.set_drift(self.drift.indices(), len(self.drift.drifting()))
        self.metrics.set_sink_errors(self.sinks.errors)
        if warning := self.drift.warning():
            LOGGER.warning(warning)

    def _report_source(self, source: int) -> None:
        """Add up the flow tables of one source."""
        packets, ignored, dropped, last_packet_ms, restamped = 0, Counter[str](), Counter[str](), -1, 0
        for number, table in enumerate(self.tables):
            if self._source_of[number] == source:
                read, ignored_here, dropped_here = self._totals[number].now()
                packets += read
                ignored.update(ignored_here)
                dropped.update({**dropped_here, "meter": table.refused, "shed": table.shed})
                last_packet_ms = max(last_packet_ms, table.last_packet_ms)
                restamped += table.clock.restamped
        self.metrics.set_capture(
            self._label(source),
            packets=packets,
            last_packet_ms=last_packet_ms,
            dropped=dropped,
            ignored=ignored,
            restamped=restamped,
        )
