"""What passes between the stages of the path; imports none of them.

Up to the scorer everything is columns: a `FlowBatch` is one NumPy array of finished flows, a
`WindowBatch` one array of sequences with the facts that explain them. Objects begin at `Verdict`.

All times are packet times in milliseconds since the epoch (NFStream's resolution).
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Role(IntEnum):
    """From which end a window looks at its host's flows."""

    SOURCE = 0
    """The host began these flows: scans, single-source floods."""
    TARGET = 1
    """The host was sent these flows: floods, scans of one host."""


class Category(StrEnum):
    """The four classes; their order is the order of every probability vector."""

    BENIGN = "Benign"
    DDOS = "DDoS"
    DOS = "DoS"
    RECON = "Recon"


CATEGORIES: tuple[Category, ...] = tuple(Category)


class Expiry(IntEnum):
    """Why the meter let a flow go. IDLE and ACTIVE are NFStream's own `expiration_id`s."""

    IDLE = 0
    """No packet for the idle timeout."""
    ACTIVE = 1
    """A slice of a flow that goes on: the active timeout passed."""
    CLOSED = 2
    """TCP said so: an RST, or FINs of both sides and the last ACK."""
    EVICTED = 3
    """The flow table was full and this flow had waited longest."""
    FLUSHED = 4
    """The capture ended, or its clock was set back."""


_DIRECTIONS = ("bidirectional", "src2dst", "dst2src")
_FLAGS = ("syn", "cwr", "ece", "urg", "ack", "psh", "rst", "fin")


def _flow_fields() -> list[tuple[str, str] | tuple[str, str, int]]:
    """NFStream's field names, in its order; sizes are bytes of the raw packet, times milliseconds."""
    fields: list[tuple[str, str] | tuple[str, str, int]] = [
        ("src_ip", "<u8", 2),
        ("dst_ip", "<u8", 2),
        ("src_mac", "u1", 6),
        ("dst_mac", "u1", 6),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("protocol", "u1"),
        ("ip_version", "u1"),
        ("vlan_id", "<u2"),
        ("tunnel_id", "<u4"),
    ]
    for direction in _DIRECTIONS:
        fields += [
            (f"{direction}_{name}", "<u8")
            for name in ("first_seen_ms", "last_seen_ms", "duration_ms", "packets", "bytes")
        ]
    for unit, integer in (("ps", "<u2"), ("piat_ms", "<u8")):
        for direction in _DIRECTIONS:
            fields += [
                (f"{direction}_min_{unit}", integer),
                (f"{direction}_mean_{unit}", "<f8"),
                (f"{direction}_stddev_{unit}", "<f8"),
                (f"{direction}_max_{unit}", integer),
            ]
    for direction in _DIRECTIONS:
        fields += [(f"{direction}_{flag}_packets", "<u8") for flag in _FLAGS]
    return fields


FLOW_DTYPE = np.dtype(
    [
        *_flow_fields(),
        ("expiration_id", "u1"),
        ("export_ms", "<u8"),
        ("source", "<u2"),
    ]
)
"""One finished flow. Beyond NFStream's fields:

- `src_ip`, `dst_ip`: 16 bytes in network order as two words; IPv4 as IPv4-mapped IPv6.
- `expiration_id`: an `Expiry`.
- `export_ms`: the packet time at which the meter let the flow go; never decreases.
- `source`: index of the interface or capture that the flow was seen on.
"""

FlowBatch = NDArray[np.void]
"""Shape (n,), dtype `FLOW_DTYPE`, in the order in which the meter let the flows go."""

NO_FLOWS: FlowBatch = np.zeros(0, FLOW_DTYPE)

Features = NDArray[np.float32]
"""Shape (n, F) for flows or (m, T, F) for windows; units as `features.SCHEMA` names them."""


FACTS_DTYPE = np.dtype(
    [
        ("host", "<u8", 2),
        ("role", "u1"),
        ("source", "<u2"),
        ("time_ms", "<u8"),
        ("first_ms", "<u8"),
        ("last_ms", "<u8"),
        ("flows", "<u4"),
        ("packets", "<u8"),
        ("bytes", "<u8"),
        *((name, "<u4") for name in ("peers", "ports", "services", "connections", "unanswered")),
        *((name, "<u4") for name in ("replies", "refused", "pieces", "served", "ended", "bulk", "lasting")),
        *((name, "<u4") for name in ("uniform", "torrents", "strays", "icmp", "grouped")),
        ("interval_flows", "<u4"),
        ("interval_packets", "<u8"),
        ("interval_bytes", "<u8"),
        ("interval_peers", "<u4"),
        ("interval_ports", "<u4"),
        ("interval_unanswered", "<u4"),
        ("interval_first_ms", "<u8"),
        ("interval_last_ms", "<u8"),
        ("recent_flows", "<f4"),
        ("recent_packets", "<f4"),
        ("ports_total", "<u4"),
        ("peers_total", "<u4"),
        ("top_peer", "<u8", 2),
        ("top_peer_flows", "<u4"),
        ("src_ip", "<u8", 2),
        ("src_port", "<u2"),
        ("dst_ip", "<u8", 2),
        ("dst_port", "<u2"),
        ("protocol", "u1"),
        ("vlan_id", "<u2"),
    ]
)
"""What a scored window saw, for the sentence in an alert; none of it enters the model.

- `host`, `role`, `source`: whose window, from which end, on which interface.
- `time_ms`: when it became due; `first_ms`, `last_ms`: the first and last packet of its flows.
- `flows`, `packets`, `bytes`, `peers`, `ports` (distinct destination ports), `services` (distinct ports of
  each peer, added up), `connections` (distinct source ports of each of these), `unanswered` (flows without a
  packet back), `replies` (TCP flows whose source answers and did not ask: nothing but resets, or a SYN with
  ACK), `refused` (TCP flows with nothing but resets back), `pieces` (other TCP flows with packets both ways
  and no SYN: what comes after a pause, or the end, of a connection that lasts), `served` (those among them in
  which the destination sends data and does not hang up), `ended` (TCP flows in which both ends do), `bulk`
  (TCP flows of a connection that lasts in which full packets go one way, and the other says nothing),
  `lasting` (flows that the meter cut and that went on), `uniform` (those among them, not of TCP, without a
  packet back and with packets all of one size, not of the fullest), `torrents` (those among these with more
  packets than harmless machines send, and TCP flows with more SYNs, or that go on although hardly anything
  comes back), `strays` (TCP flows without a SYN that carry more data than a scan's padding and get nothing
  but resets, if anything), `icmp` (flows of ICMP), `grouped` (flows to a multicast group or to everybody):
  counted over the window's rows, which are the last T flows at most.
- `interval_...`: the same, up to `unanswered` but for `services` and `connections`, of all flows that left in
  the interval that made the window due, however many, and, of an attack that is known, in those before it
  that were not scored. They do not overlap, so flows, packets and bytes may be summed.
- `recent_flows`, `recent_packets`: decaying sums over the host's last seconds, as in `features.CONTEXT`.
- `ports_total`, `peers_total`: different ports and (estimated) peers since the host was last silent for
  a minute, at least those of the window.
- `top_peer`, `top_peer_flows`: the other end most seen.
- `src_ip` ... `vlan_id`: an exemplar, the newest flow with `top_peer`.
"""


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """The windows that became due together, ready to be scored.

    `sequences` is (m, T, F) float32, oldest flow first; rows before a partial window's first flow
    are zero, and the feature `mask` tells them apart. `facts` is (m,) of `FACTS_DTYPE`. `places`, (m, 2),
    tells `windows` where each stood, so that it can be told what became of them; nobody else reads it.
    """

    sequences: Features
    facts: NDArray[np.void]
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    reached_ms: int = 0
    """Packet time at which the last of its intervals ended."""

    def __len__(self) -> int:
        return len(self.facts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of one scored window.

    `category` is what is raised, Benign when nothing is; `probabilities` are calibrated, in the
    order of `CATEGORIES`, and `confidence` is the raised category's. `uncertain` marks a window whose
    Benign was not sure enough and whose attack class did not reach its threshold either.
    """

    category: Category
    confidence: float
    probabilities: tuple[float, ...]
    uncertain: bool
    facts: np.void
    """One row of `FACTS_DTYPE`."""


_MAPPED_WORD = np.uint64(0xFFFF0000)
"""Little-endian bytes 8 to 11 of an IPv4-mapped address: 00 00 ff ff."""


def mapped_ipv4(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Turn IPv4 addresses, (n,) in NFStream's form, into (n, 2) words of IPv4-mapped IPv6."""
    mapped = np.zeros((len(words), 2), np.uint64)
    mapped[:, 1] = (words << np.uint64(32)) | _MAPPED_WORD
    return mapped


def address(words: NDArray[np.uint64]) -> IPv4Address | IPv6Address:
    """Return the address that two words hold; an IPv4-mapped one as IPv4."""
    found = ip_address(np.ascontiguousarray(words, "<u8").tobytes())
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def address_words(text: str) -> NDArray[np.uint64]:
    """Return the two words that stand for an address written as text (the inverse of `address`).

    Raises:
        ValueError: `text` is no IP address.
    """
    parsed = ip_address(text)
    packed = parsed.packed if isinstance(parsed, IPv6Address) else b"\0" * 10 + b"\xff\xff" + parsed.packed
    return np.frombuffer(packed, "<u8").copy()


class State(StrEnum):
    """Where in its incident's life an alert stands."""

    OPEN = "open"
    UPDATE = "update"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Source:
    """Where flows come from; `FLOW_DTYPE`'s `source` is its index in the list of all sources."""

    name: str
    """The interface's name, or the capture's path as it was given."""
    live: bool
    """Whether it is an interface."""


SEVERITY_UNCERTAIN = 3
"""Of incidents in which no class reached its threshold in enough windows."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One event in an incident's life: what a sink sends, and what a summary needs of it."""

    state: State
    category: Category
    severity: int
    """1 for floods, 2 for scans, 3 for either while uncertain; as in Suricata, 1 is the gravest."""
    confidence: float
    time_ms: int
    """Packet time of the event; never decreases from one alert to the next."""
    first_ms: int
    """Packet time of the first packet in evidence; `time_ms - first_ms` of an `open` is its latency."""
    attacker: str
    """The attacking side in words: an address, or "31 sources"."""
    victim: str
    """The attacked side in words: an address, or "12 hosts"."""
    reason: str
    """What was seen, as one phrase."""
    event: dict[str, Any]
    """The alert as `configs/alert.schema.json` describes it, ready to be written as JSON."""

    @property
    def uncertain(self) -> bool:
        """Whether no class reached its threshold in enough windows."""
        return self.severity == SEVERITY_UNCERTAIN
