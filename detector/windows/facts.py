"""What windows remember of a flow beside its features, and the facts they tell of a window."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.records import FACTS_DTYPE, FlowBatch

ROW_DTYPE = np.dtype(
    [
        ("peer", "<u8", 2),
        ("peer_hash", "<u8"),
        ("first_ms", "<u8"),
        ("last_ms", "<u8"),
        ("packets", "<u8"),
        ("bytes", "<u8"),
        ("src_ip", "<u8", 2),
        ("dst_ip", "<u8", 2),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("vlan_id", "<u2"),
        ("protocol", "u1"),
        ("unanswered", "u1"),
    ]
)
"""A flow as its window remembers it; `peer` is the other host."""

_SALT = int.from_bytes(os.urandom(8), "little")
"""Keeps senders of crafted addresses from choosing which hosts share a hash. Results do not depend
on it: hashes are compared, never ordered or counted by value."""

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The multipliers of the splitmix64 finaliser (Steele, Lea and Flood, OOPSLA 2014)."""


def host_hash(words: NDArray[np.uint64], source: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Return one number a host, (n,), from its address words (n, 2) and where it was seen."""
    mixed = words[:, 0] * np.uint64(_ODD[0]) ^ (words[:, 1] + np.uint64(_SALT)) * np.uint64(_ODD[1])
    return _mixed(mixed + source.astype(np.uint64) * np.uint64(_ODD[2]))


def stable_hash(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one number an address, (n,), the same in every run: what is counted by it enters alerts."""
    return _mixed(words[:, 0] * np.uint64(_ODD[0]) ^ words[:, 1] * np.uint64(_ODD[1]))


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_MIX[0])
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_MIX[1])
    return np.asarray(value ^ (value >> np.uint64(31)))


def pairs(groups: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the group of each distinct (group, value) pair."""
    mixed = _mixed(groups.astype(np.uint64) * np.uint64(_ODD[0]) ^ _mixed(values.astype(np.uint64)))
    return groups[np.unique(mixed, return_index=True)[1]]


def rows(flows: FlowBatch, peer: str) -> NDArray[np.void]:
    """Return what windows remember of flows whose other host stands in the column `peer`."""
    remembered = np.empty(len(flows), ROW_DTYPE)
    remembered["peer"] = flows[peer]
    remembered["peer_hash"] = host_hash(flows[peer], flows["source"])
    remembered["first_ms"] = flows["bidirectional_first_seen_ms"]
    remembered["last_ms"] = flows["bidirectional_last_seen_ms"]
    remembered["packets"] = flows["bidirectional_packets"]
    remembered["bytes"] = flows["bidirectional_bytes"]
    remembered["unanswered"] = flows["dst2src_packets"] == 0
    for name in ("src_ip", "dst_ip", "src_port", "dst_port", "vlan_id", "protocol"):
        remembered[name] = flows[name]
    return remembered


def facts(raw: dict[str, Any]) -> NDArray[np.void]:
    """Return the facts, (m,) of `FACTS_DTYPE`, of raw windows with rows (m, T) and mask (m, T)."""
    found, mask, interval = raw["rows"], raw["mask"], raw["interval"]
    told = np.zeros(len(found), FACTS_DTYPE)
    for name, value in (("host", "hosts"), ("role", "role"), ("source", "source"), ("time_ms", "time_ms")):
        told[name] = raw[value]
    told["first_ms"] = np.where(mask, found["first_ms"], np.iinfo(np.uint64).max).min(axis=1)
    told["last_ms"] = np.where(mask, found["last_ms"], 0).max(axis=1)
    told["flows"] = mask.sum(axis=1)
    for name in ("packets", "bytes", "unanswered"):
        told[name] = np.where(mask, found[name], 0).sum(axis=1)
    for name in ("flows", "packets", "bytes", "peers", "ports", "unanswered", "first_ms", "last_ms"):
        told[f"interval_{name}"] = interval[name]
    for name in ("ports_total", "peers_total"):
        told[name] = raw[name]
    same_peer = _equal(found["peer_hash"], mask)
    told["peers"] = _distinct(same_peer, mask)
    told["ports"] = _distinct(_equal(found["dst_port"], mask), mask)
    for name in ("ports", "peers"):
        told[f"{name}_total"] = np.maximum(told[f"{name}_total"], told[name])
    _exemplar(told, found, same_peer)
    return told


def _exemplar(told: NDArray[np.void], found: NDArray[np.void], same_peer: NDArray[np.bool_]) -> None:
    """Name the peer most seen, and the newest flow with it."""
    often = same_peer.sum(axis=2)
    length = often.shape[1]
    # Of equally frequent peers the one seen last; positions break the tie.
    newest = length - 1 - np.argmax(often[:, ::-1], axis=1)
    at = np.arange(len(told))
    told["top_peer"] = found["peer"][at, newest]
    told["top_peer_flows"] = often[at, newest]
    for name in ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "vlan_id"):
        told[name] = found[name][at, newest]


def _equal(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray((values[:, :, None] == values[:, None, :]) & mask[:, :, None] & mask[:, None, :])


def _distinct(same: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count values without an equal before them in their window."""
    length = same.shape[1]
    earlier = same & np.tri(length, k=-1, dtype=bool)[None]
    return np.asarray((mask & ~earlier.any(axis=2)).sum(axis=1))
