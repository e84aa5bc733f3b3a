"""What scans do: ask many ends, each once, and listen."""

from socket import IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import (
    BARRAGE_SHARE,
    between_two,
    mostly,
    near,
    of_many,
    ported,
    unanswered_datagrams,
    widest,
)
from detector.plausible.floods import BARRAGE_FLOWS_PER_SEC, DDOS_SOURCES
from detector.plausible.talks import conversations
from detector.records import Role

SCAN_ENDS = 5
"""Ports of a host, or hosts, that a window of a scan shows at least; asking fewer is what clients do."""

SCAN_BYTES = 8000
"""Bytes of a whole TCP conversation, on average, that no scan exchanges: versions and keys take less. Thirty
files fetched by passive FTP were one. No window of the archive's scans has half as many."""

INQUIRY_PACKETS, INQUIRY_ANSWERED = 4, 7 / 8
"""Packets of a flow that asks for a TCP port and takes the answer (SYN, SYN with ACK, ACK, RST), at most on
average, and the share of flows that get one, at least. Two of the archive's 833 harmless captures have such a
window, 46 of 68 scans, one of 106 of DoS. Of a thousand ports asked in 0.2 s the model has 0.5 for either."""

POLLS = 2
"""Times that each host is pinged, on average, from which on who is answered polls."""

DECOYS_ALIKE, DECOYS_ALIKE_IN_TWO = 1 / 2, 2 / 3
"""Flows over sources times ports, or the reverse, from which on each source asks each port once; the second
of two ports alone, of which clients that each ask for one make a half. Ten decoys beside a scan made a
DDoS of it too, and twenty, of which a window sees three ports in part. Of 3,613 windows of the archive's
DDoS twelve are like that, of 5,166 of the lab's 35."""

SWEEP_HOSTS, SWEEP_SERVICES, SWEEP_FLOWS_PER_SEC = 48, 2, 30
"""Hosts asked for one service or two, as telnet bots do, in vain and one after the other, from which on who
asks scans, if the model finds that likelier than Benign; how many a second at most by datagrams, because
it tells faster ones itself, from who looks for a way to his peers (STUN). 253 hosts asked for SSH, three a
second, had 0.65, where 0.93 was asked for, and by IPv6, 2,000 a second, 0.9. Zeek's
`Scan::addr_scan_threshold` is 25, as many as a poller has of its own: one cut off by a flood was a scan.
Of the archive's 833 harmless captures one has such windows, of the lab's 1,267 one."""

LOST_HOSTS, LOST_SERVICES, LOST_OF_EACH, LOST_TRIES, LOST_FLOWS_PER_SEC = 128, 16, 5 / 4, 4 / 3, 15
"""Whose uplink is gone asks his servers in vain: how many, if each is asked so often on average (before, no
more than `SWEEP_HOSTS`); for how many different ports, and for how many of each; and how many new ones a
second. A telephone with a dozen apps was a scan with 0.98. Of 188 captures with attacks none opens later for
it, of the lab's 1,012 worlds one opens no more, a sweep of eight hosts a second."""

PROBE_PORTS, PROBE_BYTES = 100, 64
"""Ports of one host asked for by datagrams, each once and in vain, from which on who asks scans, if the model
finds that likelier than Benign; and bytes of a packet, on average, up to which it is empty, be it IPv6, or
filled up to the 60 of Ethernet. Ten a second had 0.85 out of fold, where 0.93 was asked for. A traceroute
asks for 90 ports (30 hops, three times), Linux's by 74 bytes."""


def asks(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), could be of a scan at all: many ends, questions, and no transfers."""
    ports = np.maximum(facts["ports"], facts["interval_ports"])
    peers = np.maximum(facts["peers"], facts["interval_peers"])
    # A target's peers are who asks, not what is asked.
    ends = np.where(facts["role"] == Role.TARGET, ports, np.maximum(ports, peers))
    much = facts["bytes"] >= SCAN_BYTES * np.maximum(facts["flows"], 1)
    fetches = (facts["protocol"] == IPPROTO_TCP) & conversations(facts) & much
    told = mostly(facts, "replies") | mostly(facts, "grouped")
    return np.asarray((ends >= SCAN_ENDS) & ~fetches & ~told & ~polls(facts) & ~lost(facts, horizon_secs))


def lost(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one who tries servers far away, each for its service, in vain."""
    flows, services = facts["flows"], facts["services"]
    asker = (facts["role"] == Role.SOURCE) & ported(facts) & ~near(facts)
    kinds = (facts["ports"] > SWEEP_SERVICES) & (facts["ports_total"] <= LOST_SERVICES)
    each_one = services <= LOST_OF_EACH * facts["peers"]
    some = facts["peers_total"] < np.where(flows >= LOST_TRIES * services, LOST_HOSTS, SWEEP_HOSTS)
    slow = facts["recent_flows"] * services < LOST_FLOWS_PER_SEC * horizon_secs * flows
    vain = facts["unanswered"] + facts["refused"] >= BARRAGE_SHARE * flows
    return np.asarray(asker & kinds & each_one & some & slow & vain)


def polls(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show the same hosts pinged again and again, all of which answer."""
    flows, peers, unanswered = widest(facts, "flows", "peers", "unanswered")
    return np.asarray(mostly(facts, "icmp") & (flows >= POLLS * peers) & _learns(flows, unanswered))


def inquiry(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one host that asks another new TCP ports, and is answered."""
    flows, packets, ports, unanswered = widest(facts, "flows", "packets", "ports", "unanswered")
    each_once = ports >= np.maximum(BARRAGE_SHARE * flows, SCAN_ENDS)
    asked = (facts["protocol"] == IPPROTO_TCP) & between_two(facts) & ~mostly(facts, "strays")
    brief = packets <= INQUIRY_PACKETS * flows
    return np.asarray(asked & each_once & brief & _learns(flows, unanswered))


def _learns(flows: NDArray[np.int64], unanswered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell where, (m,), nearly all flows get an answer."""
    return np.asarray(unanswered <= (1 - INQUIRY_ANSWERED) * flows)


def decoys(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show several hosts that ask one the same ports, each once, as decoys do."""
    flows, packets, sources, ports = widest(facts, "flows", "packets", "peers", "ports")
    pairs = sources * ports
    share = np.where(ports > 2, DECOYS_ALIKE, DECOYS_ALIKE_IN_TWO)  # noqa: PLR2004 - as their name says
    alike = (flows >= share * pairs) & (pairs >= share * flows)
    many = (sources >= DDOS_SOURCES) & (ports > 1) & (facts["ports_total"] >= SCAN_ENDS)
    ask = (packets <= INQUIRY_PACKETS * flows) & ~mostly(facts, "replies", "strays")
    fast = flows >= BARRAGE_FLOWS_PER_SEC * interval_secs * sources
    return np.asarray(alike & many & ask & ~(fast & unanswered_datagrams(facts)))


def sweep(facts: NDArray[np.void], horizon_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one who asks more hosts for a service than clients do, in vain."""
    hosts = (facts["peers_total"] >= SWEEP_HOSTS) & of_many(facts)
    alike = facts["ports"] <= SWEEP_SERVICES
    slow = (facts["recent_flows"] < SWEEP_FLOWS_PER_SEC * horizon_secs) | (facts["protocol"] == IPPROTO_TCP)
    brief = (facts["packets"] <= INQUIRY_PACKETS * facts["flows"]) & ~mostly(facts, "lasting", "replies")
    return np.asarray(ported(facts) & hosts & alike & slow & brief & mostly(facts, "unanswered", "refused"))


def probe(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one who asks another for many ports by empty datagrams, each once."""
    each_once = facts["services"] >= BARRAGE_SHARE * facts["flows"]
    many = (facts["ports_total"] >= PROBE_PORTS) & each_once & between_two(facts)
    empty = facts["bytes"] <= PROBE_BYTES * facts["packets"]
    return np.asarray((facts["protocol"] == IPPROTO_UDP) & many & empty & mostly(facts, "unanswered"))
