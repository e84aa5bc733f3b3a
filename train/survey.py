"""What packets show of a capture, before any model is asked: how long, how many hosts, how busy.

Three things need it: false incidents by device-day, captures told apart by their size, and labels that
the packets do not support (`doubts`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from detector.bundle import MeterSettings
from detector.config import CaptureConfig, Config
from detector.errors import CaptureError, UsageError
from detector.features import to_group
from detector.meter import Capture, PacketBlock, flow_table
from detector.records import FLOW_DTYPE, NO_FLOWS, FlowBatch, address
from detector.steps import STEP_PACKETS, pump
from train.files import read, save
from train.sources import CaptureSource
from train.truth import BENIGN, LEFT_OUT, infer_labels, label_flows, read_events

SPANS_SECS = (1, 5)
"""The stretches whose busiest is looked for: about what a window holds, and what its counts remember."""

SILENCE_SECS = 3600
"""After an hour without a packet nobody captured, rather than that nobody spoke."""

_SECOND_MS = 1000
_TCP = 6
_KEY = ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "vlan_id")
_SECONDS_A_DAY = 86_400.0

Reach = dict[str, float]
"""The most that one host showed, by quantity: `packets_1s` are packets in its busiest second."""
_Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One capture, measured."""

    capture: str
    origin: str
    category: str
    flows: int
    """Different flows, however many slices the meter made of them."""
    packets: int
    seconds: float
    """See `watched_secs`."""
    hosts: int
    """Addresses of private use that began a flow, at least one: a capture of public addresses alone may
    show the whole Internet on one side."""
    attack_began_ms: int | None
    """The first packet of a flow that belongs to the attack; None without attack."""
    as_source: Reach
    """Of the host that reached most as a source; in an attack capture, of the attack's flows alone."""
    as_target: Reach
    """Likewise as a target. Groups are nobody's victim: multicast and broadcast do not count here."""

    @property
    def device_days(self) -> float:
        """Duration times hosts: a day of ten devices is ten."""
        return self.seconds * self.hosts / _SECONDS_A_DAY


def survey_all(
    sources: Iterable[CaptureSource],
    told: Callable[[str], None] = lambda _: None,
    done: Callable[[str], None] = lambda _: None,
) -> list[Surveyed]:
    """Measure captures; what cannot be read is told and left out. `done` is told each one's name."""
    found = []
    for source in sources:
        done(source.name)
        try:
            found.append(survey(source))
        except (CaptureError, UsageError) as error:
            told(f"{source.path}: {error}")
    return found


def survey(source: CaptureSource) -> Surveyed:
    """Measure one capture.

    Raises:
        CaptureError: it cannot be opened.
        UsageError: its truth cannot be read.
    """
    flows = metered(source.path)
    truth = read_events(source.truth) if isinstance(source.truth, Path) else source.truth
    labels = infer_labels(flows, truth) if isinstance(truth, int) else label_flows(flows, list(truth))
    attack = flows[labels > BENIGN]
    meant = attack if len(attack) else flows[labels != LEFT_OUT]
    stamps = np.concatenate([flows[f"bidirectional_{end}_seen_ms"] for end in ("first", "last")])
    return Surveyed(
        capture=source.name,
        origin=source.origin,
        category=source.category,
        flows=len(np.unique(_keys(flows))),
        packets=int(flows["bidirectional_packets"].sum()),
        seconds=watched_secs(stamps),
        hosts=max(_private_sources(flows), 1),
        attack_began_ms=int(attack["bidirectional_first_seen_ms"].min()) if len(attack) else None,
        as_source=reach(meant, "src", "dst"),
        as_target=reach(meant[~to_group(meant)], "dst", "src"),
    )


def watched_secs(stamps: NDArray[np.uint64]) -> float:
    """Return how long packets of these times, in ms, say that was watched.

    A silence beyond `SILENCE_SECS` does not count: some captures were cut together from traffic years apart.
    """
    steps_ms = np.diff(np.unique(stamps).astype(np.int64))
    return float(steps_ms[steps_ms <= SILENCE_SECS * _SECOND_MS].sum()) / _SECOND_MS


def metered(path: Path) -> FlowBatch:
    """Return all flows of a capture, in slices as the detector meters them; to where it breaks off.

    Raises:
        CaptureError: it cannot be opened at all.
    """
    config = Config()
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=config.meter.decode_tunnels)
    table = flow_table(MeterSettings(), config.meter, max_step_ms=config.capture.max_clock_step_ms)
    block, taken = PacketBlock(), [NO_FLOWS]
    try:
        while not capture.ended:
            pump(capture, block, table, STEP_PACKETS)
            while not table.consume(block, final=capture.ended):
                taken.append(table.take())
            taken.append(table.take())
    finally:
        capture.close()
    table.flush()
    return np.concatenate([*taken, table.take()])


def reach(flows: FlowBatch, end: str, other: str) -> Reach:
    """Return the most that one host of an end (`src` or `dst`) showed in its busiest stretches.

    Stretches are laid side by side from the first packet on, and a slice, at most a second long,
    counts where it begins.
    """
    if not len(flows):
        return {}
    _, host = np.unique(flows[f"{end}_ip"], axis=0, return_inverse=True)
    _, peer = np.unique(flows[f"{other}_ip"], axis=0, return_inverse=True)
    began = flows["bidirectional_first_seen_ms"].astype(np.int64)
    new = np.zeros(len(flows), bool)
    order = np.argsort(began, kind="stable")
    new[order[np.unique(_keys(flows)[order], return_index=True)[1]]] = True
    ports = flows["dst_port"].astype(np.int64)
    found: Reach = {}
    for span in SPANS_SECS:
        at = host * (1 << 32) + (began - began.min()) // (span * _SECOND_MS)
        found |= {
            f"packets_{span}s": _most(at, flows["src2dst_packets"]),
            f"pair_packets_{span}s": _most(np.stack([at, peer], axis=1), flows["src2dst_packets"]),
            f"new_flows_{span}s": _most(at, new),
            f"unanswered_{span}s": _most(at, new & (flows["dst2src_packets"] == 0)),
            f"peers_{span}s": _most_different(at, peer),
            f"ports_{span}s": _most_different(np.stack([at, peer], axis=1), ports),
            f"ends_{span}s": _most_different(at, peer * (1 << 16) + ports),
        }
    return found | {"open_connections": _most_open(flows, host)}


def _keys(flows: FlowBatch) -> NDArray[np.void]:
    """Return what makes a flow the same flow, (n,), as bytes."""
    key = np.empty(len(flows), [(name, FLOW_DTYPE[name]) for name in _KEY])
    for name in _KEY:
        key[name] = flows[name]
    return key.view(f"V{key.dtype.itemsize}")


def _most(groups: _Numbers, weights: NDArray[np.generic]) -> float:
    _, number = np.unique(groups, axis=0, return_inverse=True)
    return float(np.bincount(number, weights.astype(np.float64)).max())


def _most_different(groups: _Numbers, values: _Numbers) -> float:
    pairs = np.unique(np.column_stack([groups, values]), axis=0)
    return float(np.unique(pairs[:, :-1], axis=0, return_counts=True)[1].max())


def _most_open(flows: FlowBatch, host: _Numbers) -> float:
    """Return the most answered TCP connections that one host had at a time."""
    tcp = flows["protocol"] == _TCP
    if not tcp.any():
        return 0.0
    slices = flows[tcp]
    _, first, number = np.unique(_keys(slices), return_index=True, return_inverse=True)
    opened = np.full(len(first), np.iinfo(np.int64).max)
    closed = np.zeros(len(first), np.int64)
    np.minimum.at(opened, number, slices["bidirectional_first_seen_ms"].astype(np.int64))
    np.maximum.at(closed, number, slices["bidirectional_last_seen_ms"].astype(np.int64))
    answered = np.bincount(number, slices["dst2src_packets"].astype(np.float64)) > 0
    step = np.repeat([1, -1], answered.sum())
    at, whose = np.concatenate([opened[answered], closed[answered]]), np.tile(host[tcp][first][answered], 2)
    # What opens in the millisecond in which another closes is open with it. Each host's steps sum to 0.
    return float(np.cumsum(step[np.lexsort((-step, at, whose))]).max(initial=0))


def _private_sources(flows: FlowBatch) -> int:
    found = (address(words) for words in np.unique(flows["src_ip"], axis=0))
    return sum(each.is_private and not each.is_unspecified for each in found)


_FILE = TypeAdapter(list[Surveyed])


def write_survey(path: Path, found: list[Surveyed]) -> None:
    """Write a survey as JSON, whole or not at all."""
    save(path, _FILE.dump_json(sorted(found, key=lambda one: one.capture), indent=1) + b"\n")


def read_survey(path: Path) -> dict[str, Surveyed]:
    """Read a survey, by capture.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    return {one.capture: one for one in read(path, _FILE, what="survey", command="survey")}
