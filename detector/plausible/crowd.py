"""What many harmless machines do that looks like a flood: crowds, cameras, devices that miss a server."""

from socket import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import mostly, near, sources
from detector.plausible.talks import answered, conversations, reflected, streams, transfers, vain

CROWD_FLOWS_PER_SEC, CROWD_PACKETS_PER_SEC = 100, 2000
"""What the clients of a small server, many of them, reach at most over the last seconds. By intervals of a
quarter of a second, thirty visitors who click at once, every three seconds, were a DDoS; and so was a name
server with thirty questions a second from five hosts or more."""

MISSED_FLOWS_PER_SEC, MISSED_PACKETS_PER_SEC = 15, 60
"""What devices reach at most that all try a closed or silent port again and again: eight of them, once a
second, were a DDoS. The slowest DDoS among 1,556 shared captures has 20 flows a second."""

RETRIES_PER_SEC, RETRIES_SOURCES = 2, 128
"""The same of each of many, if their addresses are private: how often it asks or tells, and how many they
are. Forty clients of a broker that was gone, once a second, were a DDoS, and so
were forty that sent a line a second to one log. No capture of the archive opens otherwise for it; of 1,012
worlds of the lab three floods of a few seconds from private addresses open no more."""

PING_PACKETS_PER_SEC = 12
"""Packets from and to each of many that ping a host, on average over the last seconds, from which on they are
no crowd: five pings a second, as many as ping(8) long sent for a user, are ten with their answers. Thirty
hosts that sent 60 a second each were one."""

KEPT_PACKETS_PER_SEC = 5
"""Packets of each client that keeps a connection open, on average, up to which many are a crowd. In 716
worlds of the lab three such crowds, of terminals and of a database, were a DDoS; one flood is none for it,
of unfinished requests from 56 sources."""


def clients(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), of who is asked show many clients, streams or answers, and no flood.

    A decaying sum of what comes at a steady rate is about that of one horizon.
    """
    flows, packets = (facts[f"recent_{name}"] / horizon_secs for name in ("flows", "packets"))
    missed = (flows < MISSED_FLOWS_PER_SEC) & (packets < MISSED_PACKETS_PER_SEC) | retries(facts, flows)
    light = (packets < CROWD_PACKETS_PER_SEC) | transfers(facts)
    pings = mostly(facts, "icmp") & (packets >= PING_PACKETS_PER_SEC * sources(facts))
    talks = (conversations(facts) | questions(facts)) & ~pings
    crowd = talks & light | kept(facts, packets) | lone_errors(facts)
    cameras = streams(facts, packets, sources(facts))
    slow = flows < CROWD_FLOWS_PER_SEC
    return np.asarray(slow & (crowd | mostly(facts, "grouped")) | missed | cameras)


def retries(facts: NDArray[np.void], flows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show clients near by that each ask or tell now and then, in vain."""
    pace = np.minimum(RETRIES_PER_SEC * sources(facts), CROWD_FLOWS_PER_SEC)
    return np.asarray(vain(facts) & few_near(facts) & (flows < pace) & ~reflected(facts))


def few_near(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), who asks is one of some near by, not of many or of forged addresses."""
    return np.asarray((facts["peers_total"] <= RETRIES_SOURCES) & near(facts))


def questions(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams, or pings from near by, and answers to nearly all."""
    pings = mostly(facts, "icmp") & few_near(facts)
    return np.asarray(((facts["protocol"] == IPPROTO_UDP) | pings) & answered(facts))


def lone_errors(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show lone ICMP packets, as they come back from a sweep."""
    icmp = (facts["protocol"] == IPPROTO_ICMP) | (facts["protocol"] == IPPROTO_ICMPV6)
    return np.asarray(icmp & (facts["packets"] <= facts["flows"]))


def kept(facts: NDArray[np.void], packets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show connections kept open by clients that each say little, or hang up."""
    little = packets < KEPT_PACKETS_PER_SEC * sources(facts)
    return np.asarray(mostly(facts, "pieces") & little & answered(facts))
