"""What windows remember of a flow beside its features, and the facts they tell of a window."""

import os
from dataclasses import dataclass
from socket import IPPROTO_TCP, IPPROTO_UDP
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.features import CONTEXT, FLOW_FEATURES, ICMP, TO_GROUP, UNANSWERED, Counts
from detector.records import FACTS_DTYPE, Expiry, Features, FlowBatch, Role
from detector.windows.groups import Indices

ENDS = {Role.SOURCE: "src", Role.TARGET: "dst"}
"""Which end of a flow the host is, in the names of columns."""
OTHER_ENDS = {Role.SOURCE: "dst", Role.TARGET: "src"}

_FLAGS = {"unanswered": UNANSWERED, "grouped": TO_GROUP, "icmp": ICMP}
"""What a flow may be by its features, as `FACTS_DTYPE` counts them, and their columns."""
_KINDS = (
    "replies",
    "refused",
    "pieces",
    "served",
    "ended",
    "bulk",
    "lasting",
    "uniform",
    "torrents",
    "strays",
)
"""What it may be beside them."""

UNIFORM_BYTES, TORRENT_PACKETS_PER_SEC = 1200, 2000
"""Size of packets up to which a flow of one size is uniform, and how many a second make a torrent of it.
Fuller ones are those of television (1,316 bytes of MPEG-TS) and of lidars; audio over IP has a thousand a
second (AES67)."""

BULK_BYTES, BULK_WORDS = 700, 2
"""Bytes of a packet, on average, from which on a flow carries data, as many packets as both ends let pass:
half of them are full. And packets that push (RFC 9293, 3.9.1.2) the other way, in the second that a flow
stands for at most: a download is asked for once, and a flood of requests for large pages many times a
second."""

TORRENT_SYNS = 20
"""SYNs of one flow, a second at most, that make a torrent of it: who waits for an answer repeats his after a
second, then after two (RFC 6298). Floods from one port, 500 a second, opened nothing where they were
answered."""

STRAY_BYTES = 400
"""Bytes of a TCP packet above which it carries more than a scan's padding: Mirai's ACK flood, to any port of
its victim, carries 512 (its published source, `bot/attack_tcp.c`), and the lab's padded scans 300."""

UNHEARD_PACKETS = 32
"""Packets of such a size, and none of the fullest, for each that comes back, from which on a flow that lasts
is a torrent: TCP acknowledges every second full segment (RFC 5681, 4.2), or every few to save the air, and
without an answer at all only one side was seen. Mirai's STOMP flood sends 768 bytes a packet into a
connection, and gets two answers a second."""

ROW_DTYPE = np.dtype(
    [
        ("src_hash", "<u8"),
        ("dst_hash", "<u8"),
        ("first_ms", "<u8"),
        ("last_ms", "<u8"),
        ("packets", "<u8"),
        ("bytes", "<u8"),
        ("src_ip", "<u8", 2),
        ("dst_ip", "<u8", 2),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("service", "<u2"),
        ("vlan_id", "<u2"),
        ("protocol", "u1"),
        *((name, "u1") for name in (*_FLAGS, *_KINDS)),
    ]
)
"""A flow as a window of either role remembers it. Its `service` is what is counted as a port: the destination
port, or the protocol's number where there are no ports, so that a scan of protocols asks for many."""


@dataclass(frozen=True, slots=True)
class Due:
    """m windows that are due, as they stand in their rings."""

    numbers: Features
    """Shape (m, T, F'), flow and context features, oldest flow first."""
    rows: NDArray[np.void]
    """Shape (m, T) of `ROW_DTYPE`."""
    mask: NDArray[np.bool_]
    """Shape (m, T), where a flow stands; elsewhere the others hold what was there before."""
    places: NDArray[np.int64]
    """Shape (m, 2), as `WindowBatch` has it."""
    role: NDArray[np.uint8]
    host: NDArray[np.uint64]
    """Shape (m, 2)."""
    source: NDArray[np.uint16]
    time_ms: NDArray[np.uint64]
    interval: NDArray[np.void]
    """Shape (m,), what is new, in `interval_...` of `FACTS_DTYPE`."""
    ports_total: NDArray[np.int64]
    peers_total: NDArray[np.int64]


def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays; records as bytes, because NumPy would compare and copy each of their fields."""
    first = parts[0]
    if len(parts) == 1 or first.dtype.names is None:
        return np.concatenate(parts) if len(parts) > 1 else first
    whole = np.concatenate([part.view(f"V{first.dtype.itemsize}") for part in parts])
    return np.asarray(whole.view(first.dtype))


_RECENT = {
    name: len(FLOW_FEATURES) + list(CONTEXT).index(name) for name in ("recent_flows", "recent_packets")
}
"""Facts that are features of the newest flow, and their columns."""

_SALT = int.from_bytes(os.urandom(8), "little")
"""Keeps senders of crafted addresses from choosing which hosts share a hash. Results do not depend
on it: hashes are compared, never ordered or counted by value."""

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The multipliers of the splitmix64 finaliser (Steele, Lea and Flood, OOPSLA 2014)."""


def host_hash(words: NDArray[np.uint64], source: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Return one number a host, (n,), from its address words (n, 2) and where it was seen."""
    return _mixed(_spread(words, _SALT) + source.astype(np.uint64) * np.uint64(_ODD[1]))


def stable_hash(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one number an address, (n,), the same in every run: what is counted by it enters alerts."""
    return _mixed(_spread(words, 0))


def _spread(words: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Return one number an address, (n,): one word is mixed before the other joins it.

    Added as they are, words that differ in their last bytes alone, as those of hosts in networks side by side
    do, met in one of 256 pairs, and two hosts had one window.
    """
    return _mixed(words[:, 0] + np.uint64(salt)) + words[:, 1] * np.uint64(_ODD[0])


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_MIX[0])
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_MIX[1])
    return np.asarray(value ^ (value >> np.uint64(31)))


def rows(flows: FlowBatch, numbers: Features) -> NDArray[np.void]:
    """Return what windows remember of flows, (n,), whose features are `numbers`."""
    remembered = np.empty(len(flows), ROW_DTYPE)
    for end in ENDS.values():
        remembered[f"{end}_hash"] = host_hash(flows[f"{end}_ip"], flows["source"])
    remembered["first_ms"] = flows["bidirectional_first_seen_ms"]
    remembered["last_ms"] = flows["bidirectional_last_seen_ms"]
    remembered["packets"] = flows["bidirectional_packets"]
    remembered["bytes"] = flows["bidirectional_bytes"]
    for name, column in _FLAGS.items():
        remembered[name] = numbers[:, column]
    for name, found in _kinds(flows).items():
        remembered[name] = found
    for name in ("src_ip", "dst_ip", "src_port", "dst_port", "vlan_id", "protocol"):
        remembered[name] = flows[name]
    ported = (flows["protocol"] == IPPROTO_TCP) | (flows["protocol"] == IPPROTO_UDP)
    remembered["service"] = np.where(ported, flows["dst_port"], flows["protocol"])
    return remembered


def _kinds(flows: FlowBatch) -> dict[str, NDArray[np.bool_]]:
    """Tell which flows, (n,), are of each of `_KINDS`."""
    tcp = flows["protocol"] == IPPROTO_TCP
    sent, syns, acks, resets = (flows[f"src2dst_{name}packets"] for name in ("", "syn_", "ack_", "rst_"))
    back, syns_back, resets_back = (flows[f"dst2src_{name}packets"] for name in ("", "syn_", "rst_"))
    replies = tcp & np.where(syns > 0, acks == sent, resets == sent)
    refused = tcp & (back > 0) & (resets_back == back)
    whole = tcp & (back > 0) & (syns + syns_back == 0)
    lasting = flows["expiration_id"] == Expiry.ACTIVE
    pieces = whole & ~replies & ~refused
    hung_up, hung_up_back = (flows[f"{way}_fin_packets"] > 0 for way in ("src2dst", "dst2src"))
    served = pieces & (flows["dst2src_psh_packets"] > 0) & ~hung_up_back
    ended = tcp & hung_up & hung_up_back
    full = flows["bidirectional_bytes"] >= BULK_BYTES * flows["bidirectional_packets"]
    silent = np.minimum(flows["src2dst_psh_packets"], flows["dst2src_psh_packets"]) <= BULK_WORDS
    bulk = tcp & (lasting | pieces) & full & silent & (back > 0)
    one_size = (flows["bidirectional_stddev_ps"] == 0) & (flows["bidirectional_bytes"] < UNIFORM_BYTES * sent)
    uniform = lasting & ~tcp & (back == 0) & one_size
    lasted_ms = np.maximum(flows["bidirectional_duration_ms"], 1000)
    torrents = uniform & (1000 * sent >= TORRENT_PACKETS_PER_SEC * lasted_ms)
    torrents |= tcp & ((syns >= TORRENT_SYNS) | lasting & _unheard(flows))
    outside = tcp & (syns + syns_back == 0) & (resets_back == back)
    strays = outside & (flows["src2dst_bytes"] > STRAY_BYTES * sent)
    found = (replies, refused, pieces, served, ended, bulk, lasting, uniform, torrents, strays)
    return dict(zip(_KINDS, found, strict=True))


def _unheard(flows: FlowBatch) -> NDArray[np.bool_]:
    """Tell in which flows, (n,), many packets are sent, none of the fullest, and hardly any come back."""
    sent, back, size = (flows[name] for name in ("src2dst_packets", "dst2src_packets", "src2dst_bytes"))
    medium = (size > STRAY_BYTES * sent) & (size < UNIFORM_BYTES * sent)
    return np.asarray(medium & (back > 0) & (sent >= UNHEARD_PACKETS * back))


def facts(
    parts: list[Due], found: NDArray[np.void], mask: NDArray[np.bool_], earlier: Counts, alike: Counts
) -> NDArray[np.void]:
    """Return the facts, (m,) of `FACTS_DTYPE`, of due windows.

    Args:
        parts: the windows as they were gathered, m in all.
        found: (m, T) of `ROW_DTYPE`, their rows.
        mask: (m, T) where a flow stands.
        earlier: (2 or more, m, T) flows before each with its peer, and with its port.
        alike: the same of all flows of the window.
    """
    told = np.zeros(len(mask), FACTS_DTYPE)
    for name in ("host", "role", "source", "time_ms", "ports_total", "peers_total"):
        told[name] = joined([getattr(part, name) for part in parts])
    interval = joined([part.interval for part in parts])
    told["first_ms"] = np.where(mask, found["first_ms"], np.iinfo(np.uint64).max).min(axis=1)
    told["last_ms"] = np.where(mask, found["last_ms"], 0).max(axis=1)
    told["flows"] = mask.sum(axis=1)
    for name in ("packets", "bytes", *_FLAGS, *_KINDS):
        told[name] = np.where(mask, found[name], 0).sum(axis=1)
    for name in ("flows", "packets", "bytes", "peers", "ports", "unanswered", "first_ms", "last_ms"):
        told[f"interval_{name}"] = interval[name]
    for name, column in _RECENT.items():
        told[name] = joined([part.numbers[:, -1, column] for part in parts])
    told["peers"], told["ports"] = ((earlier[:2] == 0) & mask).sum(axis=2)
    told["services"], told["connections"] = _ends(found, mask, told["role"] == Role.TARGET)
    told["ports_total"] = np.maximum(told["ports_total"], told["ports"])
    told["peers_total"] = np.maximum(told["peers_total"], told["peers"])
    _exemplar(told, found, np.where(mask, alike[0], 0))
    return told


def _ends(
    found: NDArray[np.void], mask: NDArray[np.bool_], as_target: NDArray[np.bool_]
) -> tuple[Indices, Indices]:
    """Count the distinct services and connections of windows, (m,) each; the newest flow always stands."""
    peers = np.where(as_target[:, None], found["src_hash"], found["dst_hash"])
    services = peers + found["service"] * np.uint64(_ODD[0])
    connections = services + found["src_port"] * np.uint64(_ODD[1])
    of_each = []
    for keys in (services, connections):
        ordered = np.sort(np.where(mask, keys, keys[:, -1:]), axis=1)
        of_each.append(np.asarray((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) + 1, np.int64))
    return of_each[0], of_each[1]


def _exemplar(told: NDArray[np.void], found: NDArray[np.void], often: Counts) -> None:
    """Name the peer most seen, and the newest flow with it; `often` is (m, T)."""
    length = often.shape[1]
    # Of equally frequent peers the one seen last; positions break the tie.
    newest = length - 1 - np.argmax(often[:, ::-1], axis=1)
    at = np.arange(len(told))
    exemplar = found[at, newest]
    told["top_peer"] = np.where(
        (told["role"] == Role.TARGET)[:, None], exemplar["src_ip"], exemplar["dst_ip"]
    )
    told["top_peer_flows"] = often[at, newest]
    for name in ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "vlan_id"):
        told[name] = exemplar[name]
