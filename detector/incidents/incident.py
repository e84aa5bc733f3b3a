"""One incident: what is known about one subject doing, or suffering, one thing."""

import hashlib
from dataclasses import dataclass, field

from detector.incidents.evidence import Evidence, Subject
from detector.records import SEVERITY_UNCERTAIN, Category, Role

_SEVERITY = {Category.DDOS: 1, Category.DOS: 1, Category.RECON: 2}


@dataclass(slots=True, kw_only=True)
class Incident:
    """Opened by the evidence it is made from, fed until it closes. Times are packet times."""

    subject: Subject
    category: Category
    bundle_digest: str
    opened_ms: int
    certain: bool
    """Whether enough windows were certain; otherwise it is of low severity."""
    witness: Evidence
    """The window that shows the most, for the sentence and the exemplar flow."""
    replaces: str | None = None
    """The incident that this one goes on from: a DoS that turned out to be a DDoS."""
    seen_ms: int = 0
    """When the newest evidence came."""
    told_ms: int = 0
    """When the newest alert was sent."""
    first_ms: int = field(init=False)
    last_ms: int = field(init=False)
    _news: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """New flows in evidence, from the subject's own windows and from the other end's."""
    _packets: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """New packets in evidence, likewise."""
    _had: tuple[int, int] | None = None
    """Ports and peers that the subject had had before."""
    peers: int = 0
    ports: int = 0
    confidence: float = -1.0
    probabilities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self.seen_ms = self.told_ms = self.opened_ms
        self.first_ms, self.last_ms = self.witness.first_ms, self.witness.last_ms

    @property
    def id(self) -> str:
        """16 hexadecimal digits that are the same in every replay.

        Made from the time of opening, not of the first packet: two incidents of a host that is
        rarely heard of may have the same oldest flow in their windows.
        """
        text = f"{self.subject.host.hex()} {self.subject.role.name} {self.category} {self.opened_ms}"
        return hashlib.blake2b(f"{text} {self.bundle_digest}".encode(), digest_size=8).hexdigest()

    @property
    def flows(self) -> int:
        """Flows in evidence, each counted once."""
        return max(self._news.values())

    @property
    def packets(self) -> int:
        """Packets in evidence, each counted once."""
        return max(self._packets.values())

    @property
    def severity(self) -> int:
        """1 (high) for floods, 2 for scans, 3 (low) for either while uncertain."""
        return _SEVERITY[self.category] if self.certain else SEVERITY_UNCERTAIN

    def add(self, evidence: Evidence, now_ms: int) -> None:
        """Take in one more window.

        Windows of one host overlap, their news do not: `flows` and `packets` sum these up. `ports` and
        `peers` are those since the incident began that the host had not had before. What the window
        of the other end tells is less: of the subject's peers it knows but itself.
        """
        own = evidence.own == self.subject
        self.seen_ms = now_ms
        self.first_ms = min(self.first_ms, evidence.first_ms)
        self.last_ms = max(self.last_ms, evidence.last_ms)
        news = evidence.news if self._news[own] else max(evidence.news, evidence.window_flows)
        self._news[own] += news if own else news * evidence.peer_flows // max(evidence.window_flows, 1)
        packets = (
            evidence.news_packets if self._packets[own] else max(evidence.news_packets, evidence.packets)
        )
        self._packets[own] += packets
        if own:
            self._had = self._had or (
                evidence.ports_total - evidence.ports,
                evidence.peers_total - evidence.peers,
            )
            self.ports = max(self.ports, evidence.ports, evidence.ports_total - self._had[0])
            self.peers = max(self.peers, evidence.peers, evidence.peers_total - self._had[1])
        else:
            self.ports = max(self.ports, evidence.ports)
            self.peers = max(self.peers, 1)
        if self._telling(evidence) > self._telling(self.witness):
            self.witness = evidence
        # A DoS window folded into a DDoS says nothing about how sure the DDoS is.
        if evidence.category is self.category and evidence.confidence > self.confidence:
            self.confidence, self.probabilities = evidence.confidence, evidence.probabilities

    def _telling(self, evidence: Evidence) -> tuple[bool, bool, int]:
        """Order windows by how much they show: of this category, from the subject's end, widest."""
        if self.category is not Category.RECON:
            width = evidence.packets
        elif evidence.own.role is Role.SOURCE:
            width = evidence.ports + evidence.peers
        else:
            width = evidence.ports + 1
        return evidence.category is self.category, evidence.own == self.subject, width
