"""What harmless machines do that looks like a flood: crowds, streams, clients that take their time."""

from socket import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import mostly, near, ported, secs, sources
from detector.plausible.floods import OVERRUN_BYTES

CROWD_FLOWS_PER_SEC, CROWD_PACKETS_PER_SEC = 100, 2000
"""What the clients of a small server, many of them, reach at most over the last seconds. By intervals of a
quarter of a second, thirty visitors who click at once, every three seconds, were a DDoS; and so was a name
server with thirty questions a second from five hosts or more."""

CROWD_DATA_BYTES = 700
"""Bytes of a packet, on average, from which on a crowd's connections carry data, as many packets as both ends
let pass: half of them are full. Ten devices that fetched firmware were a DDoS; no attack of the archive or of
the lab has such a window, seventeen harmless worlds have."""

MISSED_FLOWS_PER_SEC, MISSED_PACKETS_PER_SEC = 15, 60
"""What devices reach at most that all try a closed or silent port again and again: eight of them, once a
second, were a DDoS. The slowest DDoS among 1,556 shared captures has 20 flows a second."""

RETRIES_PER_SEC, RETRIES_SOURCES, RETRIES_SHARE = 2, 128, 0.9
"""The same of each of many, if their addresses are private: how often it asks or tells, how many they are,
and the share of flows in vain. Forty clients of a broker that was gone, once a second, were a DDoS, and so
were forty that sent a line a second to one log. No capture of the archive opens otherwise for it; of 1,012
worlds of the lab three floods of a few seconds from private addresses open no more."""

PING_PACKETS_PER_SEC = 12
"""Packets from and to each of many that ping a host, on average over the last seconds, from which on they are
no crowd: five pings a second, as many as ping(8) long sent for a user, are ten with their answers. Thirty
hosts that sent 60 a second each were one."""

CONVERSATION_PACKETS = 5
"""Packets of a flow, on average, from which flows are conversations; a TCP connection with a question and an
answer has eight."""

CROWD_UNANSWERED = 1 / 8
"""Share of flows without an answer that a crowd has at most.

Without this rule 96 % of the windows of a server with five connections a second from eight of 60 devices
were called DDoS; with it, out of fold, no capture of DDoS was lost and one benign capture more was silent.
"""

CLIENT_FLOWS_PER_SEC, CLIENT_PACKETS_PER_SEC, CLIENT_SECS = 12, 500, 1.5
"""What TCP conversations and packets, over a window of so long, are no flood yet: the lab's begin at 25
connections a second. Sixteen downloads at a time and ten polls a second were a DoS. Of the archive's captures
of DoS two open no more, whose packets show four pages a second; of 248 worlds of the lab one, with 61 packets
a second."""

STREAM_PACKETS_PER_SEC, STREAM_SMALL_PACKETS_PER_SEC = 1000, 100
"""What a camera sends at most, 12 megabits a second of whole frames, and a telephone or a sensor. Eight
cameras that one recorder listens to were a DDoS. What a script sends is all of one size, and gets a
telephone's pace: 8,000 datagrams of 1 KiB a second from eight hosts were streams. No window of the
archive's DDoS is like that, and 157 of 5,166 of the lab's."""

SYSTEM_PORTS, REFLECTING_PORTS = 1023, (1434, 1900, 3702, 5353, 5683, 11211)
"""Ports whose datagrams to many are answers, so that they are no stream: those of services (RFC 6335) and
others that reflect floods (US-CERT alert TA14-017A). Thirty servers that sent 150 answers a second each to
somebody who had not asked were cameras."""

KEPT_PACKETS_PER_SEC = 5
"""Packets of each client that keeps a connection open, on average, up to which many are a crowd. In 716
worlds of the lab three such crowds, of terminals and of a database, were a DDoS; one flood is none for it,
of unfinished requests from 56 sources."""

KEPT_WORDS, KEPT_CONNECTIONS = 8, 16
"""The same of each connection of one client, if what it says is answered and not only acknowledged (a message
of MQTT's second quality of service has seven packets), or if a window of 32 flows shows no more connections:
six, of as many programs, with a reading a second each, were a DoS, and unfinished requests stop no server by
sixteen."""

BURST_FLOWS = 40
"""Flows of one client over the last seconds, answered, that are no flood yet: thirty pictures of a page,
asked for at once, or thirty subscribers that left together, had 0.9 of DoS within 0.1 s. A flood of 25
connections a second has as many after 1.9 s, and one of 300 after 0.2."""

LOADS = 64
"""Connections of one client that move data one way: a test of a line by sixteen and 24 was a DoS, and so was
a download in sixteen pieces."""


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
    slow = flows < CROWD_FLOWS_PER_SEC
    return np.asarray(slow & (crowd | mostly(facts, "grouped")) | missed | streams(facts, packets))


def retries(facts: NDArray[np.void], flows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show clients near by that each ask or tell now and then, in vain."""
    vain = facts["unanswered"] + facts["refused"] >= RETRIES_SHARE * facts["flows"]
    brief = ported(facts) & (facts["packets"] < CONVERSATION_PACKETS * facts["flows"])
    pace = np.minimum(RETRIES_PER_SEC * sources(facts), CROWD_FLOWS_PER_SEC)
    return np.asarray(vain & brief & few_near(facts) & (flows < pace) & ~reflected(facts))


def few_near(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), who asks is one of some near by, not of many or of forged addresses."""
    return np.asarray((facts["peers_total"] <= RETRIES_SOURCES) & near(facts))


def client(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show TCP of a client that harms nobody.

    It takes its time, or comes in one burst, or keeps connections open and says little, or moves data.
    """
    lasted = secs(facts)
    pace = np.minimum(facts["flows"] / np.maximum(lasted, CLIENT_SECS), facts["recent_flows"] / horizon_secs)
    light = (facts["packets"] < CLIENT_PACKETS_PER_SEC * lasted) | transfers(facts)
    few = facts["recent_packets"] < CLIENT_PACKETS_PER_SEC * horizon_secs
    talks = conversations(facts) | mostly(facts, "pieces") & answered(facts)
    burst = (facts["recent_flows"] < BURST_FLOWS) & talks & (few | transfers(facts))
    loads = mostly(facts, "bulk") & (facts["recent_flows"] < LOADS * horizon_secs)
    at_leisure = conversations(facts) & (lasted >= CLIENT_SECS) & (pace < CLIENT_FLOWS_PER_SEC) & light
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & (at_leisure | burst | keeps(facts) | loads))


def keeps(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show connections kept open, few or answered, in which little is said."""
    little = facts["packets"] <= KEPT_WORDS * facts["flows"]
    told = mostly(facts, "served") | mostly(facts, "pieces") & (facts["connections"] <= KEPT_CONNECTIONS)
    return np.asarray(told & little & answered(facts))


def conversations(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show whole conversations."""
    whole = facts["packets"] >= CONVERSATION_PACKETS * np.maximum(facts["flows"], 1)
    return np.asarray(whole & answered(facts))


def answered(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), hardly a flow is left without an answer."""
    return np.asarray(facts["unanswered"] <= CROWD_UNANSWERED * facts["flows"])


def questions(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams, or pings from near by, and answers to nearly all."""
    pings = mostly(facts, "icmp") & few_near(facts)
    return np.asarray(((facts["protocol"] == IPPROTO_UDP) | pings) & answered(facts))


def transfers(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show TCP that carries data."""
    full = facts["bytes"] >= CROWD_DATA_BYTES * facts["packets"]
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & full)


def lone_errors(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show lone ICMP packets, as they come back from a sweep."""
    icmp = (facts["protocol"] == IPPROTO_ICMP) | (facts["protocol"] == IPPROTO_ICMPV6)
    return np.asarray(icmp & (facts["packets"] <= facts["flows"]))


def kept(facts: NDArray[np.void], packets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show connections kept open by clients that each say little, or hang up."""
    little = packets < KEPT_PACKETS_PER_SEC * sources(facts)
    return np.asarray(mostly(facts, "pieces") & little & answered(facts))


def streams(facts: NDArray[np.void], packets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams in flows that last, sent by each source as a camera does."""
    going_on = (facts["protocol"] == IPPROTO_UDP) & mostly(facts, "lasting")
    full = (facts["bytes"] >= OVERRUN_BYTES * facts["packets"]) & ~mostly(facts, "uniform")
    pace = np.where(full, STREAM_PACKETS_PER_SEC, STREAM_SMALL_PACKETS_PER_SEC)
    return np.asarray(going_on & ~reflected(facts) & (packets < pace * sources(facts)))


def reflected(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show what services answer, and not what they tell each other."""
    service = (facts["src_port"] <= SYSTEM_PORTS) | np.isin(facts["src_port"], REFLECTING_PORTS)
    return np.asarray(service & (facts["src_port"] != facts["dst_port"]))
