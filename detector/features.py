"""What the model sees of a flow: names, units, order, digest.

Three groups of numbers make up a row of a window. *Flow* features describe the flow alone.
*Context* features are decaying counts of what the host did lately, beyond the window. *Relation*
features compare the flow with the earlier ones of its window. No address, port number, absolute
time or property of the capture enters any of them, and none is negative: sizes are bytes, times
milliseconds, and scaling is the model's affair.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detector.records import Expiry, Features, FlowBatch

Counts = NDArray[np.int64]

_MULTICAST_V4_FIRST, _MULTICAST_V4_LAST = 224, 239
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_EVERY_CARD = 0xFF
"""Each octet of the Ethernet address that a frame for everybody has."""


@dataclass(frozen=True)
class FeatureSchema:
    """The ordered features of one row; two schemas with one digest mean the same numbers."""

    names: tuple[str, ...]
    units: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and the digest of names and units in order."""
        text = "\n".join(f"{name}\t{unit}" for name, unit in zip(self.names, self.units, strict=True))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def index(self, name: str) -> int:
        """Return a feature's column."""
        return self.names.index(name)


_COPIED = {
    "bidirectional_duration_ms": "ms",
    "src2dst_packets": "packets",
    "dst2src_packets": "packets",
    "src2dst_bytes": "bytes",
    "dst2src_bytes": "bytes",
    "bidirectional_min_ps": "bytes",
    "bidirectional_max_ps": "bytes",
    "bidirectional_stddev_ps": "bytes",
    "src2dst_mean_ps": "bytes",
    "dst2src_mean_ps": "bytes",
    "src2dst_max_ps": "bytes",
    "dst2src_max_ps": "bytes",
    "bidirectional_mean_piat_ms": "ms",
    "bidirectional_stddev_piat_ms": "ms",
    "bidirectional_max_piat_ms": "ms",
    "src2dst_mean_piat_ms": "ms",
    "dst2src_mean_piat_ms": "ms",
    "src2dst_syn_packets": "packets",
    "src2dst_ack_packets": "packets",
    "src2dst_psh_packets": "packets",
    "src2dst_rst_packets": "packets",
    "src2dst_fin_packets": "packets",
    "src2dst_urg_packets": "packets",
    "dst2src_syn_packets": "packets",
    "dst2src_ack_packets": "packets",
    "dst2src_psh_packets": "packets",
    "dst2src_rst_packets": "packets",
    "dst2src_fin_packets": "packets",
}
"""NFStream fields taken as they are."""

_DERIVED = {
    "packets_per_second": "1/s",
    "bytes_per_second": "bytes/s",
    "unanswered": "flag",
    "to_group": "flag",
    "tcp": "flag",
    "udp": "flag",
    "icmp": "flag",
    "other_protocol": "flag",
    "closed": "flag",
    "sliced": "flag",
}

CONTEXT = {
    "recent_flows": "flows",
    "recent_packets": "packets",
    "recent_bytes": "bytes",
    "recent_unanswered": "flows",
    "recent_peers": "hosts",
    "recent_ports": "ports",
    "recent_source_ports": "ports",
}
"""Decaying sums over the host's last seconds; `windows` keeps them."""

RELATIONS = {
    "since_previous_ms": "ms",
    "before_newest_ms": "ms",
    "new_peer": "flag",
    "new_port": "flag",
    "new_source_port": "flag",
    "same_peer": "flag",
    "same_size": "flag",
    "peers_so_far": "hosts",
    "ports_so_far": "ports",
    "source_ports_so_far": "ports",
    "peer_share": "ratio",
    "port_share": "ratio",
    "unanswered_share": "ratio",
    "position": "flows",
    "as_target": "flag",
    "mask": "flag",
}
"""Computed inside one window by `relations`."""

FLOW_FEATURES = tuple(_COPIED) + tuple(_DERIVED)
SCHEMA = FeatureSchema(
    names=FLOW_FEATURES + tuple(CONTEXT) + tuple(RELATIONS),
    units=tuple({**_COPIED, **_DERIVED, **CONTEXT, **RELATIONS}.values()),
)
UNANSWERED, TO_GROUP, ICMP = map(FLOW_FEATURES.index, ("unanswered", "to_group", "icmp"))


def flow_features(flows: FlowBatch) -> Features:
    """Return the flow features of a batch, shape (n, len(FLOW_FEATURES)), float32.

    A rate is over the flow's duration, but at least one millisecond, the resolution of its stamps.
    """
    seconds = np.maximum(flows["bidirectional_duration_ms"].astype(np.float64), 1.0) / 1000.0
    protocol, several = flows["protocol"], flows["bidirectional_packets"] > 1
    tcp, udp, icmp = protocol == _TCP, protocol == _UDP, (protocol == _ICMP) | (protocol == _ICMPV6)
    derived = (
        np.where(several, flows["bidirectional_packets"] / seconds, 0.0),
        np.where(several, flows["bidirectional_bytes"] / seconds, 0.0),
        flows["dst2src_packets"] == 0,
        to_group(flows),
        tcp,
        udp,
        icmp,
        ~(tcp | udp | icmp),
        flows["expiration_id"] == Expiry.CLOSED,
        flows["expiration_id"] == Expiry.ACTIVE,
    )
    features = np.empty((len(flows), len(FLOW_FEATURES)), np.float32)
    for at, column in enumerate((*(flows[name] for name in _COPIED), *derived)):
        features[:, at] = column
    return features


def to_group(flows: FlowBatch) -> NDArray[np.bool_]:
    """Tell which flows, (n,), are meant for many hosts: by their address, or by the frame's own.

    The frame tells a network's broadcast address, such as 192.168.1.255, from a host's without the mask.
    """
    return np.asarray(multicast(flows["dst_ip"]) | (flows["dst_mac"] == _EVERY_CARD).all(axis=1))


def multicast(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which addresses, (n, 2) words, stand for many hosts: multicast and IPv4 broadcast."""
    octets = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), 16)
    v4 = (words[:, 0] == 0) & (octets[:, 10] == 0xFF)  # noqa: PLR2004 - the IPv4-mapped prefix
    first = octets[:, 12]
    group = (first >= _MULTICAST_V4_FIRST) & (first <= _MULTICAST_V4_LAST)
    everyone = (octets[:, 12:] == 0xFF).all(axis=1)  # noqa: PLR2004 - 255.255.255.255
    return np.asarray(np.where(v4, group | everyone, octets[:, 0] == 0xFF), bool)  # noqa: PLR2004 - ff00::/8


def repeats(values: NDArray[np.uint64], mask: NDArray[np.bool_]) -> tuple[Counts, Counts]:
    """Count the flows of a window that share a value.

    Sorting each window was twice as fast as comparing each flow with each, and grows less with T.

    Args:
        values: (k, m, T), k values for each flow of m windows.
        mask: (m, T) where a flow stands; flows fill the window from its end.

    Returns:
        How many flows before each have its value, and how many flows in all, itself included; both
        (k, m, T), without meaning where no flow stands.
    """
    order = np.argsort(values, axis=2, kind="stable")
    order += np.arange(0, values.size, values.shape[2]).reshape(*values.shape[:2], 1)
    at = order.ravel()
    found = values.reshape(-1)[at]
    begins = np.empty(values.size, bool)
    begins[1:] = found[1:] != found[:-1]
    if not mask.all():  # what only fills the window comes before its flows of the same value
        stands = mask.reshape(-1)[at % mask.size]
        begins[1:] |= stands[1:] != stands[:-1]
    begins.reshape(values.shape)[..., 0] = True
    number = np.cumsum(begins) - 1
    start = np.flatnonzero(begins)
    earlier, total = np.empty(values.shape, np.int64), np.empty(values.shape, np.int64)
    earlier.reshape(-1)[at] = np.arange(values.size) - start[number]
    total.reshape(-1)[at] = np.diff(start, append=values.size)[number]
    return earlier, total


def relations(
    *,
    times: NDArray[np.int64],
    peers: NDArray[np.uint64],
    earlier: Counts,
    sizes: NDArray[np.float32],
    unanswered: NDArray[np.float32],
    mask: NDArray[np.bool_],
    as_target: NDArray[np.bool_],
    out: Features,
) -> None:
    """Compare each flow of m windows with the earlier flows of its window.

    Args:
        times: (m, T) first packet of each flow, ms.
        peers: (m, T) a number that stands for the other host.
        earlier: (3, m, T) earlier flows with the same peer, destination port and source port.
        sizes: (m, T, 2) packets and bytes from source to destination.
        unanswered: (m, T) 1 where no packet came back.
        mask: (m, T) where a flow stands; flows fill the window from its end.
        as_target: (m,) whether the host is the flows' target.
        out: (m, T, len(RELATIONS)) takes the result; without meaning where no flow stands.
    """
    so_far = np.cumsum(mask, axis=1, dtype=np.float32)
    before = np.maximum(so_far - 1.0, 1.0)
    new = earlier == 0
    new_so_far = np.cumsum(new & mask, axis=2, dtype=np.float32)
    previous = np.zeros_like(mask)
    previous[:, 1:] = mask[:, :-1]
    step = np.abs(np.diff(times, axis=1, prepend=times[:, :1]))
    repeated = np.zeros_like(mask)
    repeated[:, 1:] = (sizes[:, 1:, 0] == sizes[:, :-1, 0]) & (sizes[:, 1:, 1] == sizes[:, :-1, 1])
    follows = np.zeros_like(mask)
    follows[:, 1:] = peers[:, 1:] == peers[:, :-1]
    newest = np.where(mask, times, np.iinfo(np.int64).min).max(axis=1, keepdims=True)
    columns = (
        np.where(previous, step, 0),
        newest - times,
        *new,
        follows & previous,
        repeated & previous,
        *new_so_far,
        earlier[0] / before,
        earlier[1] / before,
        np.cumsum(unanswered * mask, axis=1) / np.maximum(so_far, 1.0),
        so_far,
        as_target[:, None],
        mask,
    )
    for at, column in enumerate(columns):
        out[..., at] = column
