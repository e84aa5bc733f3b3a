"""What windows count, as the rules of this package ask for it."""

from collections.abc import Iterator
from ipaddress import IPv6Network
from socket import IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.records import address_words

BARRAGE_SHARE = 0.8
"""Of a window's flows, those of a barrage that nobody answers, and those between its two hosts, at least."""


_NEAR = [
    *map(IPv6Network, ("::ffff:10.0.0.0/104", "::ffff:172.16.0.0/108", "::ffff:192.168.0.0/112", "fc00::/7")),
    *map(IPv6Network, ("::ffff:169.254.0.0/112", "fe80::/10")),
]
"""Private networks (RFC 1918, IPv4-mapped, and RFC 4193) and those of one link (RFC 3927, RFC 4291)."""
_NETWORKS = np.stack([address_words(str(network.network_address)) for network in _NEAR])
_MASKS = np.stack([address_words(str(network.netmask)) for network in _NEAR])


def mostly(facts: NDArray[np.void], *kinds: str) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), at least half of the flows are of some kind, or of several."""
    return np.asarray(2 * sum(facts[kind] for kind in kinds) >= np.maximum(facts["flows"], 1))


def widest(facts: NDArray[np.void], *names: str) -> Iterator[NDArray[np.int64]]:
    """Give counts, (m,) each, of a window, or of its interval where that has more flows.

    Of a burst the window has the last flows alone: those that were not answered, for they leave late.
    """
    more = facts["interval_flows"] > facts["flows"]
    return (np.where(more, facts[f"interval_{name}"], facts[name]).astype(np.int64) for name in names)


def secs(facts: NDArray[np.void], part: str = "") -> NDArray[np.float64]:
    """Return how long, (m,), it is from the first packet to the last of windows, or of their `interval_`."""
    began, ended = (facts[f"{part}{which}_ms"].astype(np.int64) for which in ("first", "last"))
    return np.asarray((ended - began) / 1000)


def between_two(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), most flows are with one peer."""
    return np.asarray(facts["top_peer_flows"] >= BARRAGE_SHARE * facts["flows"])


def one_way_datagrams(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of datagrams between two hosts of which one is silent."""
    return np.asarray(unanswered_datagrams(facts) & between_two(facts))


def unanswered_datagrams(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of datagrams that nobody answers."""
    unanswered = facts["unanswered"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray((facts["protocol"] == IPPROTO_UDP) & unanswered)


def ported(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of a protocol with ports."""
    return np.asarray((facts["protocol"] == IPPROTO_TCP) | (facts["protocol"] == IPPROTO_UDP))


def sources(facts: NDArray[np.void]) -> NDArray[np.int64]:
    """Return how many peers, (m,), a window stands for: its own, or, where hardly one comes twice, all known.

    A server that was asked by a hundred today is not asked by them while three flood it.
    """
    return np.asarray(np.where(of_many(facts), facts["peers_total"], facts["peers"]), np.int64)


def of_many(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), hardly a peer comes twice."""
    return np.asarray(2 * facts["peers"] >= facts["flows"])


def near(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), the peer most seen is private, or of the IPv6 network of the host."""
    peer, host = facts["top_peer"], facts["host"]
    private = ((peer[:, np.newaxis] & _MASKS) == _NETWORKS).all(axis=2).any(axis=1)
    return np.asarray(private | (peer[:, 0] == host[:, 0]) & (host[:, 0] != 0))
