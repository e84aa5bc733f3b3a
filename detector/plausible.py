"""What a class is by definition, held against what a window saw, before any threshold.

A scan asks many ends: without `SCAN_ENDS` ports or hosts, or with `SCAN_BYTES` a conversation, Recon is not
believed, and its share goes to Benign. A scan listens: where one host sends another more datagrams to new
ports than `BARRAGE_FLOWS_PER_SEC`, and none is answered, the share of Recon goes to DoS unless the model is
sure of the scan. Where one asks another's TCP ports, each once, and is answered, it learns: the share of DoS
goes to Recon unless the model is sure of the flood.

DDoS has several sources: with fewer than `DDOS_SOURCES`, its share goes to DoS. Where each of several asks a
host the same ports once, one asks and the others are decoys: the share of DDoS goes to Recon. And it
overwhelms: where many clients have whole conversations with a server, fewer of them than
`CROWD_FLOWS_PER_SEC`, in few packets or in full ones, they are a crowd; where as few hosts send one ICMP
packet each, they answer somebody who asked them all; and where they ask, in whatever way, less than
`MISSED_FLOWS_PER_SEC`, they may miss a server that is gone: the share of DDoS goes to Benign. All three are
paces of the last seconds, because harmless clients come in bursts.

One client that takes its time, with fewer whole TCP conversations than `CLIENT_FLOWS_PER_SEC`, in few packets
or in full ones, overwhelms nobody: the share of DoS goes to Benign. And nobody streams more datagrams than
`DELUGE_PACKETS_PER_SEC` to a host that never answers: the share of Benign goes to DoS. So it does where one
host sends another more small packets than `OVERRUN_PACKETS_PER_SEC`, for seconds, inside flows that last, if
the model finds DoS likelier than Benign: beyond the pace of harmless machines no more certainty is asked for.
"""

from collections.abc import Iterator
from socket import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.records import CATEGORIES, Category, Role

SCAN_ENDS = 5
"""Ports of a host, or hosts, that a window of a scan shows at least; asking fewer is what clients do."""

SCAN_BYTES = 8000
"""Bytes of a whole TCP conversation, on average, that no scan exchanges: versions and keys take less. Thirty
files fetched by passive FTP were one. No window of the archive's scans has half as many."""

DDOS_SOURCES = 2
"""Sources that a window of a distributed flood shows at least. With 3, as it was, two captures of 13 of DDoS
never opened as one; none of DoS opens otherwise for it."""

CROWD_FLOWS_PER_SEC, CROWD_PACKETS_PER_SEC = 100, 2000
"""What the clients of a small server, many of them, reach at most over the last seconds. By intervals of a
quarter of a second, thirty visitors who click at once, every three seconds, were a DDoS."""

CROWD_DATA_BYTES = 700
"""Bytes of a packet, on average, from which on a crowd's connections carry data, as many packets as both ends
let pass: half of them are full. Ten devices that fetched firmware were a DDoS; no attack of the archive or of
the lab has such a window, seventeen harmless worlds have."""

MISSED_FLOWS_PER_SEC, MISSED_PACKETS_PER_SEC = 15, 60
"""What devices reach at most that all try a closed or silent port again and again: eight of them, once a
second, were a DDoS. The slowest DDoS among 1,556 shared captures has 20 flows a second."""

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

BARRAGE_FLOWS_PER_SEC = 100
"""Datagrams to new ports of one host, unanswered, from which on they are no scan: hosts tell of a closed port
once a second (Linux, `icmp_ratelimit`), so that faster ones learn nothing. It is how flooding scripts aim."""

BARRAGE_SHARE = 0.8
"""Of a window's flows, those of a barrage that nobody answers, and those between its two hosts, at least."""

INQUIRY_PACKETS, INQUIRY_ANSWERED = 4, 7 / 8
"""Packets of a flow that asks for a TCP port and takes the answer (SYN, SYN with ACK, ACK, RST), at most on
average, and the share of flows that get one, at least. Two of the archive's 833 harmless captures have such a
window, 46 of 68 scans, one of 106 of DoS. Of a thousand ports asked in 0.2 s the model has 0.5 for either."""

DECOYS_ALIKE = 1 / 2
"""Flows over sources times ports, or the reverse, from which on each source asks each port once. Ten decoys
beside a scan made a DDoS of it too. Of the archive's windows that models without their origin call DDoS, none
of 2,715 of a DDoS is like that, and four of 72 harmless ones; of 5,389 windows of the lab's DDoS 47 are."""

SURELY_SCAN = SURELY_FLOOD = 0.95
"""Probability of Recon from which a barrage is believed to be a scan: nmap's is as fast on a quick network,
and the model tells it by its empty datagrams with 0.99."""

DELUGE_PACKETS_PER_SEC = 10_000
"""Datagrams from one host, unanswered, that are no stream: 100 megabits a second of whole frames. A camera of
25 megabits sends 2,400. A flood of 60,000 a second inside one flow had 0.88 in its first second and 0.63
in its tenth: the lab's worlds are too short to teach what lasts."""

OVERRUN_PACKETS_PER_SEC, OVERRUN_BYTES, OVERRUN_SECS = 2000, 300, 2.0
"""What harmless machines do not exceed between two hosts, inside flows that last: packets, how large they are
on average if they carry no data, and for how long. Controllers ask 500 times a second, four packets each with
acknowledgements; half the packets of a transfer are full, so it has 700 bytes a packet. No benign capture of
the archive has such a window. What has are tables of agents near by, read without a pause, and floods over a
few flows, of which a model said 0.5 to 0.7 where DoS needed 0.93."""

OVERRUN_FLOW_PACKETS, OVERRUN_SHARE, OVERRUN_PAUSE = 64, 1 / 2, 2
"""Packets of a flow, on average, from which flows are such that last, the share between the two hosts, and
how many seconds a flow stands for at most: the meter cuts what goes on once a second, and two walks through a
table, in a second each and four apart, do not go on."""

_BENIGN = CATEGORIES.index(Category.BENIGN)
_DDOS, _DOS, _RECON = (CATEGORIES.index(name) for name in (Category.DDOS, Category.DOS, Category.RECON))


def plausible(
    probabilities: NDArray[np.float32], facts: NDArray[np.void], window: WindowSettings
) -> NDArray[np.float32]:
    """Return probabilities, (m, 4), where classes that a window cannot show gave theirs to what it is."""
    interval_secs, horizon_secs = window.interval_ms / 1000, window.horizon_ms / 1000
    ports = np.maximum(facts["ports"], facts["interval_ports"])
    peers = np.maximum(facts["peers"], facts["interval_peers"])
    as_target = facts["role"] == Role.TARGET
    # A target's peers are who asks, not what is asked.
    asked = np.where(as_target, ports, np.maximum(ports, peers))
    # A decaying sum of what comes at a steady rate is about that of one horizon.
    flows, packets = (facts[f"recent_{name}"] / horizon_secs for name in ("flows", "packets"))
    few = flows < CROWD_FLOWS_PER_SEC
    missed = (flows < MISSED_FLOWS_PER_SEC) & (packets < MISSED_PACKETS_PER_SEC)
    whole, transfers = _conversations(facts), _transfers(facts)
    crowd = whole & ((packets < CROWD_PACKETS_PER_SEC) | transfers)
    converse = whole & (facts["protocol"] == IPPROTO_TCP)
    likelier = probabilities[:, _DOS] > probabilities[:, _BENIGN]
    weighed = probabilities.copy()
    for source, to, lacks in (
        (_RECON, _BENIGN, (asked < SCAN_ENDS) | converse & _much(facts)),
        (_DDOS, _DOS, as_target & (peers < DDOS_SOURCES)),
        (_DDOS, _RECON, as_target & _decoys(facts, interval_secs)),
        (_DDOS, _BENIGN, as_target & (few & (crowd | _errors(facts)) | missed)),
        (_DOS, _BENIGN, converse & _unhurried(facts, transfers)),
        (_DOS, _RECON, _inquiry(facts) & (probabilities[:, _DOS] < SURELY_FLOOD)),
        (_RECON, _DOS, _barrage(facts, interval_secs) & (probabilities[:, _RECON] < SURELY_SCAN)),
        (_BENIGN, _DOS, as_target & (_deluge(facts, interval_secs) | _overrun(facts) & likelier)),
    ):
        weighed[lacks, to] += weighed[lacks, source]
        weighed[lacks, source] = 0.0
    return weighed


def _conversations(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show whole conversations."""
    whole = facts["packets"] >= CONVERSATION_PACKETS * np.maximum(facts["flows"], 1)
    answered = facts["unanswered"] <= CROWD_UNANSWERED * facts["flows"]
    return np.asarray(whole & answered)


def _transfers(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show TCP that carries data."""
    full = facts["bytes"] >= CROWD_DATA_BYTES * facts["packets"]
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & full)


def _much(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), a flow has more bytes than a scan exchanges."""
    return np.asarray(facts["bytes"] >= SCAN_BYTES * np.maximum(facts["flows"], 1))


def _unhurried(facts: NDArray[np.void], transfers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show a client's pace that harms nobody."""
    secs = _secs(facts)
    slow = (secs >= CLIENT_SECS) & (facts["flows"] < CLIENT_FLOWS_PER_SEC * secs)
    light = (facts["packets"] < CLIENT_PACKETS_PER_SEC * secs) | transfers
    return np.asarray(slow & light)


def _errors(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show lone ICMP packets, as they come back from a sweep."""
    icmp = (facts["protocol"] == IPPROTO_ICMP) | (facts["protocol"] == IPPROTO_ICMPV6)
    return np.asarray(icmp & (facts["packets"] <= facts["flows"]))


def _barrage(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams between two hosts, faster than a scan could learn from."""
    many = facts["interval_flows"] >= BARRAGE_FLOWS_PER_SEC * interval_secs
    return np.asarray(many & _one_way_datagrams(facts))


def _inquiry(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one host that asks another new TCP ports, and is answered."""
    flows, packets, ports, unanswered = _widest(facts, "flows", "packets", "ports", "unanswered")
    each_once = ports >= np.maximum(BARRAGE_SHARE * flows, SCAN_ENDS)
    brief = packets <= INQUIRY_PACKETS * flows
    answered = unanswered <= (1 - INQUIRY_ANSWERED) * flows
    between_two = facts["top_peer_flows"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & each_once & brief & answered & between_two)


def _decoys(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show several hosts that ask one the same ports, each once, as decoys do."""
    flows, packets, sources, ports = _widest(facts, "flows", "packets", "peers", "ports")
    pairs = sources * ports
    alike = (flows >= DECOYS_ALIKE * pairs) & (pairs >= DECOYS_ALIKE * flows)
    many = (sources >= DDOS_SOURCES) & (ports > 1) & (facts["ports_total"] >= SCAN_ENDS)
    fast = flows >= BARRAGE_FLOWS_PER_SEC * interval_secs * sources
    brief = packets <= INQUIRY_PACKETS * flows
    return np.asarray(alike & many & brief & ~(fast & _unanswered_datagrams(facts)))


def _widest(facts: NDArray[np.void], *names: str) -> Iterator[NDArray[np.int64]]:
    """Give counts, (m,) each, of a window, or of its interval where that has more flows.

    Of a burst the window has the last flows alone: those that were not answered, for they leave late.
    """
    more = facts["interval_flows"] > facts["flows"]
    return (np.where(more, facts[f"interval_{name}"], facts[name]).astype(np.int64) for name in names)


def _deluge(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more datagrams from one host than any stream has."""
    secs = np.maximum(_secs(facts, "interval_"), interval_secs)
    many = facts["interval_packets"] >= DELUGE_PACKETS_PER_SEC * secs
    return np.asarray(many & _one_way_datagrams(facts))


def _overrun(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more small packets inside lasting flows than harmless machines send."""
    secs, packets = _secs(facts), facts["packets"]
    fast = (secs >= OVERRUN_SECS) & (packets >= OVERRUN_PACKETS_PER_SEC * secs)
    small = facts["bytes"] <= OVERRUN_BYTES * packets
    lasting = (packets >= OVERRUN_FLOW_PACKETS * facts["flows"]) & (secs <= OVERRUN_PAUSE * facts["flows"])
    return np.asarray(fast & small & lasting & (facts["top_peer_flows"] >= OVERRUN_SHARE * facts["flows"]))


def _secs(facts: NDArray[np.void], part: str = "") -> NDArray[np.float64]:
    """Return how long, (m,), it is from the first packet to the last of windows, or of their `interval_`."""
    began, ended = (facts[f"{part}{which}_ms"].astype(np.int64) for which in ("first", "last"))
    return np.asarray((ended - began) / 1000)


def _one_way_datagrams(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of datagrams between two hosts of which one is silent."""
    between_two = facts["top_peer_flows"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray(_unanswered_datagrams(facts) & between_two)


def _unanswered_datagrams(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of datagrams that nobody answers."""
    unanswered = facts["unanswered"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray((facts["protocol"] == IPPROTO_UDP) & unanswered)
