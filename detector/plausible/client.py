"""What one client does that looks like a flood: much at once, over long, or in vain."""

from socket import IPPROTO_TCP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import mostly, secs
from detector.plausible.talks import answered, conversations, streams, transfers, vain

CLIENT_FLOWS_PER_SEC, CLIENT_PACKETS_PER_SEC, CLIENT_SECS = 12, 500, 1.5
"""What TCP conversations and packets, over a window of so long, are no flood yet: the lab's begin at 25
connections a second. Sixteen downloads at a time and ten polls a second were a DoS. Of the archive's captures
of DoS two open no more, whose packets show four pages a second; of 248 worlds of the lab one, with 61 packets
a second."""

BURST_FLOWS, ANSWERED_PACKETS = 40, 7
"""Flows of one client over the last seconds that are no flood yet, and packets of each, on average, from
which on they are answered: three to connect, two to ask, two to answer. Thirty pictures of a page, asked for
at once, or thirty subscribers that left together, had 0.9 of DoS within 0.1 s. A flood of 25 connections a
second has as many after 1.9 s, and one of 300 after 0.2; thirty unfinished requests of the archive have five
packets each."""

KEPT_WORDS, KEPT_CONNECTIONS = 8, 16
"""Packets of connections that are kept open, in a second each, on average, up to which they are no flood, if
what they say is answered and not only acknowledged (a message of MQTT's second quality of service has seven
packets), or if a window of 32 flows shows no more connections: six, of as many programs, with a reading a
second each, were a DoS, and unfinished requests stop no server by sixteen. A server that gives up an
unfinished request says so, and hangs up."""

LOADS = 64
"""Connections of one client that move data one way: a test of a line by sixteen and 24 was a DoS, and so was
a download in sixteen pieces."""

TRIES_PER_SEC = 8
"""The same of what a client asks for in vain: five programs whose broker was down, once a second each, were a
DoS. At 15, three captures of the archive open no more, whose floods have ten a second, hping3's `--fast`."""


def client(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show a client that harms nobody.

    It takes its time, or comes in one burst, or keeps connections open and says little, or moves data, or
    sends a few streams, or tries in vain.
    """
    lasted = secs(facts)
    long, lasted = lasted >= CLIENT_SECS, np.maximum(lasted, CLIENT_SECS)
    in_window, packets = facts["flows"] / lasted, facts["packets"] / lasted
    lately = facts["recent_flows"] / horizon_secs
    light = (packets < CLIENT_PACKETS_PER_SEC) | transfers(facts)
    at_leisure = conversations(facts) & long & (np.minimum(lately, in_window) < CLIENT_FLOWS_PER_SEC) & light
    loads = mostly(facts, "bulk") & (lately < LOADS)
    by_tcp = at_leisure | burst(facts, horizon_secs) | keeps(facts) | loads
    few = facts["connections"] <= KEPT_CONNECTIONS
    # A flow that lasts is cut once a second.
    calls = streams(facts, facts["packets"], facts["flows"]) & few
    tries = vain(facts) & long & (np.maximum(lately, in_window) < TRIES_PER_SEC)
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & by_tcp | calls | tries)


def burst(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show some connections at once, asked and answered or hung up, and no more."""
    light = facts["recent_packets"] < CLIENT_PACKETS_PER_SEC * horizon_secs
    whole = (facts["packets"] >= ANSWERED_PACKETS * facts["flows"]) | mostly(facts, "ended")
    few = facts["recent_flows"] < BURST_FLOWS
    return np.asarray(few & whole & answered(facts) & (light | transfers(facts)))


def keeps(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show connections kept open, few or answered, in which little is said."""
    little = facts["packets"] <= KEPT_WORDS * facts["flows"]
    told = mostly(facts, "served") | mostly(facts, "pieces") & (facts["connections"] <= KEPT_CONNECTIONS)
    return np.asarray(told & little & answered(facts))
