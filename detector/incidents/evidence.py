"""What one attack verdict says, and about whom.

Who an incident is about (its subject) is what makes it one incident:

- Recon: the scanner, seen from its own window or from a target's. A target scanned by many, none of
  them dominating, is the subject itself.
- DoS: the victim, seen from its own window or from the flooder's. A source that floods many hosts,
  none of them dominating, is the subject itself.
- DDoS: the victim. A window of one source cannot see that there are others, so what it calls DDoS
  is evidence of DoS.
"""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from socket import IPPROTO_ICMP, IPPROTO_ICMPV6
from typing import NamedTuple

import numpy as np

from detector.records import CATEGORIES, FACTS_DTYPE, Category, Role, Verdict, address

FLOWS_A_VOTE = 16
"""Flows that are news enough to count as one more window: half a window of the usual length."""

SURE_VOTE, FLOWS_A_SURE_VOTE = 0.98, 4
"""Confidence from which so few new flows count as one more window of a scan: ten ports asked at once are one
window, and there is no second. Of the archive's benign captures no other opened an incident with it, scans
opened after 0.8 s instead of 1.0 (median), and ten ports, twenty, or twelve hosts opened one at all."""

PACKETS_A_VOTE = 128
"""Packets that are, in a window that is surely of a flood: one inside a single flow shows one flow a second.
From 256 packets a second on it opens with its first window, 1.3 s after it began; with 512 packets a vote a
flood of 500 a second took 3.2 s. Of 833 benign captures of origins never seen, the same 9 opened anything."""

_FACTS = FACTS_DTYPE.names or ()
_ICMP = {IPPROTO_ICMP, IPPROTO_ICMPV6}


class Subject(NamedTuple):
    """A host in one of its two roles."""

    host: bytes
    """16 bytes in network order, as in `FACTS_DTYPE`."""
    role: Role

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """The host's address."""
        return _address(self.host)


class Exemplar(NamedTuple):
    """A flow that stands for the others; its source is on the attacking side."""

    src_host: bytes
    src_port: int
    dest_host: bytes
    dest_port: int
    protocol: int

    @property
    def src(self) -> IPv4Address | IPv6Address:
        """The attacking side's address."""
        return _address(self.src_host)

    @property
    def dest(self) -> IPv4Address | IPv6Address:
        """The attacked side's address."""
        return _address(self.dest_host)


@dataclass
class Evidence:
    """An attack verdict in plain values, so that keeping one keeps no batch of windows in memory."""

    category: Category
    raised: Category
    """The verdict's own category; differs where a source's DDoS is evidence of DoS."""
    certain: bool
    confidence: float
    """That of `category`; for a flood seen from its source that of DoS and DDoS together."""
    probabilities: tuple[float, ...]
    own: Subject
    """Whose window it is."""
    peer: Subject
    """The other end most seen, in the other role."""
    source: int
    first_ms: int
    last_ms: int
    news: int
    """Flows that no earlier window of the host had."""
    news_packets: int
    flows: int
    packets: int
    peers: int
    ports: int
    ports_total: int
    """Different ports since the host was last silent, and so for `peers_total`."""
    peers_total: int
    unanswered: int
    replies: int
    """Of `window_flows`, those of TCP whose source answers and did not ask."""
    window_flows: int
    peer_flows: int
    """Of `window_flows`, those with the peer."""
    exemplar: Exemplar

    @property
    def weight(self) -> int:
        """How many windows it counts for: one may stand for a thousand flows, or packets of a single flow."""
        if self.category is Category.RECON:
            sure = self.certain and self.confidence >= SURE_VOTE
            return 1 + self.news // (FLOWS_A_SURE_VOTE if sure else FLOWS_A_VOTE)
        packets = self.news_packets // PACKETS_A_VOTE if self.certain else 0
        return 1 + max(self.news // FLOWS_A_VOTE, packets)

    @property
    def dominated(self) -> bool:
        """Whether the peer has at least 80 % of the window's flows."""
        return self.peer_flows * 5 >= self.window_flows * 4

    @property
    def shared(self) -> bool:
        """Whether the peer has at least half of the window's flows."""
        return self.peer_flows * 2 >= self.window_flows

    @property
    def answers(self) -> bool:
        """Whether its flows are such as come back to who asked: ICMP, or half of them TCP that answers."""
        return self.exemplar.protocol in _ICMP or self.replies * 2 >= self.window_flows

    @property
    def subject(self) -> Subject:
        """Whom the verdict is about, by the rules above."""
        return self.ends[0]

    @cached_property
    def ends(self) -> tuple[Subject, ...]:
        """Whose open incident this may belong to, likeliest first: one attack has two ends.

        A scan is seen from both, and whichever opened an incident first has it.
        """
        if self.category is Category.DDOS:
            return (self.own,)
        wanted = Role.SOURCE if self.category is Category.RECON else Role.TARGET
        if self.own.role is not wanted and self.dominated:
            return (self.peer, self.own)
        return (self.own, self.peer) if self.shared else (self.own,)


def evidence_of(verdict: Verdict) -> Evidence | None:
    """Return what a verdict is evidence of; None for a Benign one."""
    if verdict.category is Category.BENIGN:
        return None
    # One call for all fields: read one by one from the record they take four times as long.
    facts = dict(zip(_FACTS, verdict.facts.item(), strict=True))
    # A burst leaves more flows in one interval than the window holds; then the interval tells more.
    view = "interval_" if facts["interval_flows"] > facts["flows"] else ""
    role = Role(facts["role"])
    lone_flood = role is Role.SOURCE and verdict.category is not Category.RECON
    return Evidence(
        category=Category.DOS if lone_flood else verdict.category,
        raised=verdict.category,
        certain=not verdict.uncertain,
        confidence=_flood(verdict) if lone_flood else verdict.confidence,
        probabilities=verdict.probabilities,
        own=Subject(facts["host"].tobytes(), role),
        peer=Subject(facts["top_peer"].tobytes(), Role(1 - role)),
        news=facts["interval_flows"],
        news_packets=facts["interval_packets"],
        window_flows=facts["flows"],
        peer_flows=facts["top_peer_flows"],
        exemplar=Exemplar(
            facts["src_ip"].tobytes(),
            facts["src_port"],
            facts["dst_ip"].tobytes(),
            facts["dst_port"],
            facts["protocol"],
        ),
        **{name: facts[name] for name in ("source", "ports_total", "peers_total", "replies")},
        **{
            name: facts[view + name]
            for name in ("first_ms", "last_ms", "flows", "packets", "peers", "ports", "unanswered")
        },
    )


def _address(host: bytes) -> IPv4Address | IPv6Address:
    return address(np.frombuffer(host, "<u8"))


def _flood(verdict: Verdict) -> float:
    chances = dict(zip(CATEGORIES, verdict.probabilities, strict=True))
    return min(1.0, chances[Category.DOS] + chances[Category.DDOS])
