"""The path itself: from due windows to alerts, and what it needs of captures and flow tables before that.

A step is scored in a thread of its own while the next one is metered and enters its windows: a profile of
ordinary traffic has scoring at half of all time, and ONNX Runtime gives the interpreter's lock away (2.3 s
became 1.4). Two further ways were measured and left: splitting a batch over two threads gave less, and
reading a file ahead in a third thread made it slower, on two cores.
"""

import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detector.bundle import ModelBundle
from detector.config import Config
from detector.drift import Drift
from detector.errors import BundleError
from detector.handover import Handover
from detector.incidents import Incidents
from detector.logs import LOGGER
from detector.meter import IGNORED_REASONS, Capture, Fanout, FlowTable, flow_table
from detector.metrics import Metrics
from detector.policy import Policy
from detector.records import Alert, Expiry, Source, Verdict, WindowBatch
from detector.scorer import CHECK_TOLERANCE, Scorer
from detector.scoring import Scoring
from detector.shadow import Shadow
from detector.sinks import SinkSet
from detector.steps import Step
from detector.totals import CaptureTotals
from detector.windows import Windows

MIN_ACTIVE_FLOWS = 16
"""The least room for flows that a configuration may ask for, and so the least that a worker's share is."""

FLOWS_LOST = ("windows", "queue_full")
"""Stage and reason of flows for which the hand-over had no room."""


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
        self._config, self.bundle, self._scorer = config, bundle, scorer
        self._policy = Policy(bundle.thresholds, config.thresholds, bundle.window)
        self.shadow: Shadow | None = None
        """A second model that is shown the same windows."""
        self.scoring = Scoring()
        self.patience_secs: float | None = None
        """How long scoring may take before its thread is given up; None in a replay, which has time."""
        self._begun: _Begun | None = None
        self._reached_ms = 0
        """Packet time up to which everything has passed every stage."""
        self._totals: list[CaptureTotals] = []
        self._source_of: list[int] = []
        """The source of each flow table."""
        self._shut: set[int] = set()
        """Flow tables of interfaces that have no open capture."""
        self._blind: set[int] = set()
        """Sources from which no packet can come although their captures are open."""
        self._hung = 0
        """Windows lost with a scoring thread that hung."""

    def add_source(self, name: str, *, live: bool) -> FlowTable:
        """Make room for one more interface, or for a sequence of files; return its flow table."""
        self.sources.append(Source(name, live))
        table = self.add_table()
        label = self._label(len(self.sources) - 1)
        self.metrics.open_capture(label, ignored=(*IGNORED_REASONS, "late"))
        self.metrics.close_capture(label)  # until `open_capture`
        return table

    def add_table(self) -> FlowTable:
        """Return one more flow table for the last source: another worker takes a share of it."""
        source = len(self.sources) - 1
        workers = self._config.capture.workers if self.sources[source].live else 1
        share = max(self._config.meter.max_active_flows // workers, MIN_ACTIVE_FLOWS)
        table = flow_table(
            self.bundle.meter,
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
        self._show_capture(source)
        return capture

    def close_capture(self, number: int, capture: Capture) -> None:
        """Close the capture of a flow table; it may be opened again."""
        capture.close()
        self._shut.add(number)
        self._show_capture(self._source_of[number])

    def set_blind(self, source: int, *, blind: bool) -> None:
        """Say whether packets can come from a source at all, whatever its captures say."""
        (self._blind.add if blind else self._blind.discard)(source)
        self._show_capture(source)

    def _show_capture(self, source: int) -> None:
        shut = any(self._source_of[each] == source for each in tuple(self._shut))
        label = self._label(source)
        if shut or source in self._blind:
            self.metrics.close_capture(label)
        else:
            self.metrics.open_capture(label)

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
        self._begun = _Begun(step, self.scoring.submit(partial(self._score, step.windows)), step.now_ms)
        if step.starts_anew or self.windows.needs(step.windows):
            alerts += self.complete()
        return alerts

    def complete(self) -> list[Alert]:
        """Send what follows from the windows that are being scored."""
        if self._begun is None:
            return []
        begun, self._begun = self._begun, None
        try:
            probabilities = self.scoring.result(begun.probabilities, self.patience_secs)
        except TimeoutError:
            self._hung += len(begun.step.windows)
            return self._follow(begun.step, [], begun.reached_ms)
        verdicts = self._policy.judge(begun.step.windows, probabilities)
        self.metrics.observe_verdicts(verdicts)
        if self.shadow is not None:
            self.shadow.compare(begun.step.windows, verdicts, self.metrics)
        self.drift.count(begun.step.windows, verdicts)
        return self._follow(begun.step, verdicts, begun.reached_ms)

    def _follow(self, step: Step, verdicts: list[Verdict], now_ms: int) -> list[Alert]:
        alerts = self.incidents.update(verdicts)
        if verdicts:
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

    def adopt(self, config: Config, bundle: ModelBundle, scorer: Scorer, shadow: Shadow | None) -> None:
        """Judge by another model, other thresholds and other rules for incidents from now on.

        What is known stays: windows, votes, open incidents and counts. The bundle must meter and cut windows
        as the one before does.
        """
        self.complete()
        if bundle.digest != self.bundle.digest:
            self.drift = Drift(bundle.manifest.features.names, bundle.manifest.record)
        self._config, self.bundle, self._scorer, self.shadow = config, bundle, scorer, shadow
        self._policy = Policy(bundle.thresholds, config.thresholds, bundle.window)
        self.incidents.adopt(config.incidents, bundle.digest)
        self.metrics.set_bundle(bundle.name, bundle.digest)

    def pulse(self) -> "Future[None]":
        """Have the model give an answer that its bundle records, in the thread that scores."""
        return self.scoring.submit(self._prove)

    def _prove(self) -> None:
        check = self.bundle.check
        off = np.abs(self._scorer.score(check.sequences[:1]) - check.probabilities[:1]).max()
        if not off <= CHECK_TOLERANCE:
            raise BundleError(f"the model is off by {off:.2g} on its test vector by now; start iotids again")

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
            shed={**self.windows.shed, "hung": self._hung},
        )
        self.metrics.set_incidents(self.incidents.open_count, self.incidents.suppressed)
        self.metrics.set_drift(self.drift.indices(), len(self.drift.drifting()))
        self._report_sinks()
        if warning := self.drift.warning():
            LOGGER.warning(warning)

    def _report_sinks(self) -> None:
        self.sinks.look()
        self.metrics.set_sink_errors(self.sinks.errors)
        for outlet in self.sinks.outlets:
            self.metrics.set_sink(outlet.name, up=outlet.up, dropped=outlet.dropped)
            if outlet.capacity:
                self.metrics.set_queue(f"sink_{outlet.name}", length=outlet.waiting, capacity=outlet.capacity)

    def _report_source(self, source: int) -> None:
        """Add up the flow tables of one source."""
        packets, ignored, dropped, last_packet_ms, restamped = 0, Counter[str](), Counter[str](), -1, 0
        for number, table in enumerate(self.tables):
            if self._source_of[number] == source:
                read, ignored_here, dropped_here = self._totals[number].now()
                packets += read
                ignored.update({**ignored_here, "late": table.late})
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
