"""What the daemon takes and how far behind it is, looked at again and again."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.live_daemon import Metrics, Subject
from tests.bench.processes import resident_mb
from tests.bench.report import slope


class Sample(NamedTuple):
    """One look."""

    at: float
    """Seconds after the first packet."""
    rss_mb: float
    handles: int
    threads: int
    lag: float
    """Seconds that the path is behind the clock."""
    up: bool
    """Whether the interface is watched, as the metrics say."""
    packets: int
    dropped: dict[str, int]
    """By stage."""
    flows_dropped: int
    windows_shed: int
    queued: int
    """Flows and alerts that wait."""
    open_incidents: int
    active_flows: int
    window_hosts: int
    processor_secs: float
    waiting_secs: float
    """In which its threads were ready to run and had no processor: the machine's fault, not the daemon's."""


def sample(subject: Subject, began: float) -> tuple[Sample, Metrics]:
    """Look at the daemon, from outside before it is asked anything."""
    pid, at = subject.process.pid, time.monotonic() - began
    handles, threads = (sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir()) for what in ("fd", "task"))
    memory, spent, waited = resident_mb(pid), subject.processor_secs(), subject.waiting_secs()
    metrics = subject.metrics()
    reached = metrics["iotids_path_timestamp_seconds"][""]
    return Sample(
        at=at,
        rss_mb=memory,
        handles=handles,
        threads=threads,
        lag=time.time() - reached if reached else 0.0,  # nothing has come yet
        up=metrics.total("iotids_capture_up") == 1,
        packets=metrics.total("iotids_packets_total"),
        dropped=metrics.by("iotids_packets_dropped_total", "stage"),
        flows_dropped=metrics.total("iotids_flows_dropped_total"),
        windows_shed=metrics.total("iotids_windows_shed_total"),
        queued=metrics.total("iotids_queue_length"),
        open_incidents=metrics.total("iotids_open_incidents"),
        active_flows=metrics.total("iotids_active_flows"),
        window_hosts=metrics.total("iotids_window_hosts"),
        processor_secs=spent,
        waiting_secs=waited,
    ), metrics


Measure = Callable[[Sample], float]


class Course(NamedTuple):
    """How one figure went over the run."""

    start: float
    """Medians of the first twentieth, the middle one and the last one."""
    middle: float
    end: float
    highest: float
    growth: float
    """What the second half grows by, by least squares."""


def course(samples: Sequence[Sample], measure: Measure) -> Course:
    """Return how a figure went; needs a sample at least."""
    times, values = [one.at for one in samples], [measure(one) for one in samples]
    count, some = len(values), max(len(values) // 20, 1)
    half = count // 2
    around = max(half - some // 2, 0)
    return Course(
        start=float(np.median(values[:some])),
        middle=float(np.median(values[around : around + some])),
        end=float(np.median(values[-some:])),
        highest=max(values),
        growth=slope(times[half:], values[half:]) * (times[-1] - times[half]),
    )
