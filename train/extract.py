"""Captures to labelled windows, through the detector's own meter, features and windows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from detector.bundle import MeterSettings, WindowSettings
from detector.config import CaptureConfig, Config
from detector.errors import CaptureError
from detector.meter import Capture, flow_table
from detector.records import NO_FLOWS, Features, FlowBatch
from detector.steps import Step, finish, steps
from detector.windows import Windows
from train.truth import Event, Labels, infer_labels, label_flows, label_windows

_LABELLED_BY = [
    "src_ip",
    "dst_ip",
    "dst_port",
    "bidirectional_packets",
    "bidirectional_first_seen_ms",
    "bidirectional_last_seen_ms",
    "export_ms",
]


@dataclass(frozen=True, slots=True)
class Extract:
    """The windows of one capture, with their labels."""

    sequences: Features
    """Shape (m, T, F)."""
    facts: NDArray[np.void]
    """Shape (m,), `FACTS_DTYPE`."""
    labels: Labels
    """Shape (m,)."""
    flows: int
    packets: int
    seconds: float
    """From the first packet of the flows to the last."""
    problem: str | None
    """Why the capture could be read only in part, if so."""


def extract_capture(
    path: Path,
    truth: int | list[Event],
    meter: MeterSettings | None = None,
    window: WindowSettings | None = None,
) -> Extract:
    """Read a capture and label its windows. Of each flow no more is kept than labelling asks for.

    Args:
        path: a pcap or pcapng file.
        truth: one label for the whole capture, or its events.
        meter: as the bundle to be made will say.
        window: likewise.

    Raises:
        CaptureError: the file cannot be opened at all.
    """
    read = _read(path, meter or MeterSettings(), window or WindowSettings())
    flows, taken = read.flows, read.steps
    known = infer_labels(flows, truth) if isinstance(truth, int) else label_flows(flows, truth)
    return Extract(
        sequences=np.concatenate([step.windows.sequences for step in taken]),
        facts=np.concatenate([step.windows.facts for step in taken]),
        labels=_label_windows(taken, flows, known),
        flows=len(flows),
        packets=read.packets,
        seconds=_seconds(flows),
        problem=read.problem,
    )


def label_flows_of(path: Path, label: int) -> tuple[FlowBatch, Labels]:
    """Return the flows of a capture of one class, the columns that labelling asks for, and their labels.

    Raises:
        CaptureError: the file cannot be opened at all.
    """
    flows = _read(path, MeterSettings(), WindowSettings()).flows
    return flows, infer_labels(flows, label)


class _Read(NamedTuple):
    steps: list[Step]
    packets: int
    problem: str | None

    @property
    def flows(self) -> FlowBatch:
        return np.concatenate([_columns(NO_FLOWS), *(step.flows for step in self.steps)])


def _read(path: Path, meter: MeterSettings, window: WindowSettings) -> _Read:
    config = Config()
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=config.meter.decode_tunnels)
    table = flow_table(meter, config.meter, max_step_ms=config.capture.max_clock_step_ms)
    windows = Windows(window, config.window)
    taken: list[Step] = []
    problem = None
    try:
        taken.extend(map(_told, steps(capture, table, windows)))
    except CaptureError as error:
        problem = str(error)
    finally:
        capture.close()
    taken.extend(map(_told, finish(table, windows)))
    return _Read(taken, capture.packets, problem)


def _told(step: Step) -> Step:
    return replace(step, flows=_columns(step.flows))


def _columns(flows: FlowBatch) -> FlowBatch:
    return np.asarray(repack_fields(flows[_LABELLED_BY]))


def _seconds(flows: FlowBatch) -> float:
    if not len(flows):
        return 0.0
    first, last = flows["bidirectional_first_seen_ms"].min(), flows["bidirectional_last_seen_ms"].max()
    return float(last - first) / 1000


def _label_windows(taken: list[Step], flows: FlowBatch, known: Labels) -> Labels:
    """Label the windows of all steps; those from before the clock was set back hold no flow from after it."""
    labels: list[Labels] = []
    facts: list[NDArray[np.void]] = []
    start = stop = 0
    for step in taken:
        facts.append(step.windows.facts)
        stop += len(step.flows)
        if step.starts_anew:  # the last step too
            labels.append(label_windows(np.concatenate(facts), flows[start:stop], known[start:stop]))
            facts, start = [], stop
    return np.concatenate(labels)
