"""The numbers behind the metrics, kept without any metrics library.

The stages keep plain counts of their own; once a batch the pipeline hands over what they have reached.
Only when somebody asks (a scrape, a text file) are these turned into Prometheus' format.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from detector import __version__
from detector.metrics import families
from detector.metrics.families import FAMILIES, Family
from detector.records import CATEGORIES, Alert, Category, Expiry, State, Verdict

Labels = tuple[str, ...]
"""The values of a family's labels, in its order."""

_ATTACKS = tuple(category for category in CATEGORIES if category is not Category.BENIGN)
_SEVERITIES = {Category.DDOS: (1, 3), Category.DOS: (1, 3), Category.RECON: (2, 3)}
"""Of certain and uncertain incidents (`records.Alert.severity`)."""
_DROP_STAGES = ("kernel", "interface", "meter", "shed")
_SHED_REASONS = ("budget", "pressure", "hung")
_RESTART_REASONS = ("capture", "clock", "scorer")


class Histogram:
    """Observations counted by bucket."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Observations in each bucket, not cumulative; a value equal to a bound belongs below it."""
        self.total = 0.0
        """Sum of all observations."""

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Record:
    """All numbers of one run. Series whose labels are known beforehand exist, at 0, from the start.

    `set_*` take totals since the start of the run, `observe_*` what is new. Any thread may call any
    method.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[Family, dict[Labels, float]] = {
            family: {} if family.labels else {(): 0.0} for family in FAMILIES if family.kind != "histogram"
        }
        self._histograms: dict[Family, dict[Labels, Histogram]] = {
            family: {} if family.labels else {(): Histogram(family.bounds)}
            for family in FAMILIES
            if family.kind == "histogram"
        }
        self._values[families.BUILD_INFO] = {(__version__,): 1.0}
        self._set(families.FLOWS, {(reason.name.lower(),): 0 for reason in Expiry})
        self._set(families.WINDOWS_SHED, {(reason,): 0 for reason in _SHED_REASONS})
        self._set(families.FLOWS_DROPPED, {("windows", "queue_full"): 0})
        for family in (families.QUEUE_LENGTH, families.QUEUE_CAPACITY):
            self._set(family, {("flows",): 0})
        self._values[families.CONFIG_RELOADED] = {(): 1.0}
        self._set(families.SHADOW_VERDICTS, {(ours, other): 0 for ours in CATEGORIES for other in CATEGORIES})
        self._set(families.RESTARTS, {(reason,): 0 for reason in _RESTART_REASONS})
        self._set(families.VERDICTS, {(category,): 0 for category in CATEGORIES})
        self._set(families.OPEN_INCIDENTS, {(category,): 0 for category in _ATTACKS})
        self._set(
            families.ALERTS, {(name, str(level)): 0 for name in _ATTACKS for level in _SEVERITIES[name]}
        )
        self._histograms[families.CONFIDENCE] = {
            (category,): Histogram(families.CONFIDENCE.bounds) for category in CATEGORIES
        }

    def _set(self, family: Family, series: Mapping[Labels, float]) -> None:
        self._values[family].update(series)

    def set_bundle(self, name: str, digest: str) -> None:
        """Tell which model bundle is in use, instead of any before."""
        with self._lock:
            self._values[families.BUNDLE_INFO] = {(digest, name): 1.0}

    def set_reload(self, time_secs: float | None) -> None:
        """Tell when configuration and bundle were read, in seconds since the epoch; None if refused."""
        with self._lock:
            self._values[families.CONFIG_RELOADED][()] = float(time_secs is not None)
            if time_secs is not None:
                self._values[families.CONFIG_RELOAD_TIME][()] = time_secs

    def set_restarts(self, restarts: Mapping[str, int]) -> None:
        """Take over how often a part began anew, by reason."""
        with self._lock:
            self._set(families.RESTARTS, {(reason,): count for reason, count in restarts.items()})

    def set_path(self, reached_ms: int) -> None:
        """Take over the packet time up to which everything has passed every stage."""
        with self._lock:
            self._values[families.PATH_TIME][()] = reached_ms / 1000

    def open_capture(self, iface: str, *, ignored: Iterable[str] = ()) -> None:
        """Begin the series of an interface at 0. `ignored`: all reasons for which packets may be ignored."""
        series: dict[Family, Sequence[Labels]] = {
            families.PACKETS: [(iface,)],
            families.PACKETS_DROPPED: [(iface, stage) for stage in _DROP_STAGES],
            families.PACKETS_IGNORED: [(iface, reason) for reason in ignored],
            families.PACKETS_RESTAMPED: [(iface,)],
            families.LAST_PACKET: [(iface,)],
        }
        with self._lock:
            for family, labels in series.items():
                self._set(family, {one: self._values[family].get(one, 0.0) for one in labels})
            self._set(families.CAPTURE_UP, {(iface,): 1})

    def close_capture(self, iface: str) -> None:
        """Say that an interface is read no more; its totals stay."""
        with self._lock:
            self._set(families.CAPTURE_UP, {(iface,): 0})

    def set_capture(
        self,
        iface: str,
        *,
        packets: int,
        last_packet_ms: int,
        dropped: Mapping[str, int],
        ignored: Mapping[str, int],
        restamped: int = 0,
    ) -> None:
        """Take over an interface's totals.

        Args:
            iface: the interface's name.
            packets: read, ignored ones included.
            last_packet_ms: packet time reached, negative before the first packet.
            dropped: by stage (kernel, interface, meter, shed).
            ignored: by reason.
            restamped: packets whose stamp was not believed.
        """
        with self._lock:
            self._set(families.PACKETS, {(iface,): packets})
            self._set(families.PACKETS_DROPPED, {(iface, stage): count for stage, count in dropped.items()})
            self._set(families.PACKETS_IGNORED, {(iface, reason): count for reason, count in ignored.items()})
            self._set(families.PACKETS_RESTAMPED, {(iface,): restamped})
            self._set(families.LAST_PACKET, {(iface,): max(last_packet_ms, 0) / 1000})

    def set_flows(
        self,
        finished: Mapping[Expiry, int],
        active: int,
        dropped: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Take over the meter's totals, over all interfaces; `dropped` by stage and reason."""
        with self._lock:
            self._set(families.FLOWS, {(reason.name.lower(),): count for reason, count in finished.items()})
            self._set(families.ACTIVE_FLOWS, {(): active})
            self._set(families.FLOWS_DROPPED, {(*where,): count for where, count in (dropped or {}).items()})

    def set_queue(self, queue: str, *, length: int, capacity: int) -> None:
        """Take over how much waits in a queue, and how much it holds."""
        with self._lock:
            self._set(families.QUEUE_LENGTH, {(queue,): length})
            self._set(families.QUEUE_CAPACITY, {(queue,): capacity})

    def set_windows(self, *, hosts: int, evictions: int, shed: Mapping[str, int]) -> None:
        """Take over the windows' totals: kept now, given up, due and not scored, by reason."""
        with self._lock:
            self._set(families.WINDOW_HOSTS, {(): hosts})
            self._set(families.WINDOW_EVICTIONS, {(): evictions})
            self._set(families.WINDOWS_SHED, {(reason,): count for reason, count in shed.items()})

    def set_incidents(self, open_count: Mapping[Category, int], suppressed: Mapping[str, int]) -> None:
        """Take over how many incidents are open now and how many alerts were held back, by reason."""
        with self._lock:
            self._set(
                families.OPEN_INCIDENTS, {(category,): open_count.get(category, 0) for category in _ATTACKS}
            )
            self._set(families.ALERTS_SUPPRESSED, {(reason,): count for reason, count in suppressed.items()})

    def set_drift(self, indices: Mapping[str, float], drifting: int) -> None:
        """Take over the stability index of each feature, and how many features drift."""
        with self._lock:
            self._values[families.FEATURE_DRIFT] = {(name,): index for name, index in indices.items()}
            self._values[families.DRIFTING_FEATURES][()] = drifting

    def set_sink_errors(self, errors: Mapping[str, int]) -> None:
        """Take over the failures of every sink, by its name; name those without any, too."""
        with self._lock:
            self._set(families.SINK_ERRORS, {(sink,): count for sink, count in errors.items()})

    def set_sink(self, sink: str, *, up: bool, dropped: Mapping[str, int]) -> None:
        """Take over whether a sink takes alerts, and the alerts that it never got, by reason."""
        with self._lock:
            self._set(families.SINK_UP, {(sink,): up})
            self._set(families.ALERTS_DROPPED, {(sink, reason): count for reason, count in dropped.items()})

    def observe_scoring(self, windows: int, seconds: float) -> None:
        """Count one scored batch and the wall-clock time that it took."""
        with self._lock:
            self._values[families.WINDOWS_SCORED][()] += windows
            self._histograms[families.SCORING_SECONDS][()].observe(seconds)

    def observe_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Count the verdicts of one batch."""
        with self._lock:
            for verdict in verdicts:
                self._values[families.VERDICTS][(verdict.category,)] += 1
                self._values[families.UNCERTAIN][()] += verdict.uncertain
                self._histograms[families.CONFIDENCE][(verdict.category,)].observe(verdict.confidence)

    def observe_shadow(self, verdicts: Sequence[Verdict], shadow: Sequence[Verdict]) -> None:
        """Count what a second bundle said of windows, beside the verdicts on them that count."""
        with self._lock:
            for ours, other in zip(verdicts, shadow, strict=True):
                self._values[families.SHADOW_VERDICTS][(ours.category, other.category)] += 1

    def skip_shadow(self, windows: int) -> None:
        """Count windows that the second bundle was not shown."""
        with self._lock:
            self._values[families.SHADOW_SKIPPED][()] += windows

    def observe_alerts(self, alerts: Sequence[Alert]) -> None:
        """Count alerts given to the sinks; an `open` also tells how long detection took."""
        with self._lock:
            counts = self._values[families.ALERTS]
            for alert in alerts:
                labels = (alert.category, str(alert.severity))
                counts[labels] = counts.get(labels, 0.0) + 1
                if alert.state is State.OPEN:
                    latency_secs = (alert.time_ms - alert.first_ms) / 1000
                    self._histograms[families.DETECTION_LATENCY][()].observe(latency_secs)

    def values(self) -> dict[Family, dict[Labels, float]]:
        """Return all counters and gauges as they are now."""
        with self._lock:
            return {family: dict(series) for family, series in self._values.items()}

    def histograms(self) -> dict[Family, dict[Labels, tuple[list[int], float]]]:
        """Return all histograms as they are now: the buckets' counts, and the sum of the observations."""
        with self._lock:
            return {
                family: {labels: (list(one.counts), one.total) for labels, one in series.items()}
                for family, series in self._histograms.items()
            }
