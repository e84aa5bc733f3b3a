"""From verdicts to alerts: one incident for each subject and category."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence

from detector.config import IncidentConfig
from detector.incidents.alert import build
from detector.incidents.allow import AllowList
from detector.incidents.evidence import Evidence, Subject, evidence_of
from detector.incidents.incident import Incident
from detector.incidents.votes import Votes
from detector.records import Alert, Category, Role, Source, State, Verdict

SUPPRESSION_REASONS = ("allowed", "answers", "forgotten", "max_open", "part_of_ddos", "uncertain")
"""Why an attack verdict raised no alert of its own:

- `allowed`: the attacker is on the allow-list;
- `answers`: it is of what comes back: what the victim of an open flood sends, or what is sent to one who
  scans;
- `forgotten`: too many hosts were under suspicion, and what spoke against this one was let go (counted by
  host, with `max_open` as the bound);
- `max_open`: too many incidents are open for one more;
- `part_of_ddos`: a DoS verdict for the victim of an open DDoS, or, if that goes to any port, a Recon verdict
  between it and one other host;
- `uncertain`: it is uncertain, and `alert_on_uncertain` is off.
"""

_VOTES_PER_INCIDENT = 5
"""Room for votes, in proportion to the incidents that may be open."""
_MIN_VOTERS = 64

_FLOODS = (Category.DDOS, Category.DOS)
_SECOND_MS = 1000


class Incidents:
    """Opens, feeds and closes incidents by packet time.

    An incident opens once `open_after` of a host's last `open_within` scored windows, in one role
    and not older than `close_after_secs`, say the same of the same subject, and lives as long as
    evidence comes. A window with many new flows counts for several (`Evidence.weight`). Windows that
    an open incident explains open no other one. A victim has one
    incident for floods: DoS verdicts join its open DDoS, and an open DoS is closed when a DDoS opens.

    The alerts depend on the verdicts and their times alone, not on how they are grouped into
    `update` calls nor on when `advance` is called, as long as that is never ahead of the verdicts.
    """

    def __init__(self, config: IncidentConfig, bundle_digest: str, sources: Sequence[Source]) -> None:
        """Start with no incident; `sources` may grow while verdicts come."""
        self._sources = sources
        self._votes = Votes(1, 0, 0)
        self.adopt(config, bundle_digest)
        # Ordered by the newest evidence, oldest first, so that only the first need be looked at to close.
        self._open: OrderedDict[tuple[Subject, Category], Incident] = OrderedDict()
        self._now_ms = 0
        self.explained: list[bool] = []
        """Of the last verdicts given to `update`: whether an open incident says all that they say."""
        self.open_count: Counter[Category] = Counter(dict.fromkeys((*_FLOODS, Category.RECON), 0))
        """Open incidents by category."""
        self.suppressed: Counter[str] = Counter(dict.fromkeys(SUPPRESSION_REASONS, 0))
        """Attack verdicts that raised no alert of their own, by `SUPPRESSION_REASONS`."""

    def adopt(self, config: IncidentConfig, bundle_digest: str) -> None:
        """Go by another configuration from now on; what is open stays open, and votes keep their weight."""
        self._config = config
        self._bundle_digest = bundle_digest
        self._allow = AllowList(config.allow)
        self._close_after_ms = round(config.close_after_secs * _SECOND_MS)
        self._update_interval_ms = round(config.update_interval_secs * _SECOND_MS)
        room = _VOTES_PER_INCIDENT * config.max_open // config.open_within
        self._votes.resize(config.open_within, self._close_after_ms, max(_MIN_VOTERS, room))

    def update(self, verdicts: Iterable[Verdict]) -> list[Alert]:
        """Take in verdicts in the order of their times; returns what they raise, in order."""
        self.explained = []
        alerts = [alert for verdict in verdicts for alert in self._take(verdict)]
        self.suppressed["forgotten"] = self._votes.evicted
        return alerts

    def advance(self, now_ms: int) -> list[Alert]:
        """Close what had no evidence for `close_after_secs` by this packet time."""
        self._now_ms = max(self._now_ms, now_ms)
        alerts = []
        while self._open:
            oldest = next(iter(self._open.values()))
            if oldest.seen_ms + self._close_after_ms > self._now_ms:
                break
            alerts.append(self._close(oldest))
        return alerts

    def close(self, now_ms: int) -> list[Alert]:
        """Close all incidents at the end of the input and start over: the next may be of any time."""
        self._now_ms = max(self._now_ms, now_ms)
        alerts = [self._close(incident) for incident in list(self._open.values())]
        self._votes.clear()
        self._now_ms = 0
        return alerts

    def _take(self, verdict: Verdict) -> list[Alert]:
        facts = verdict.facts
        alerts = self.advance(int(facts["time_ms"]))
        evidence = self._admissible(verdict)
        self.explained.append(False)
        voter = (int(facts["source"]), facts["host"].tobytes(), int(facts["role"]))
        votes = self._votes.cast(voter, evidence, self._now_ms)
        if evidence is None:
            return alerts
        incident = self._incident_of(evidence)
        agreeing = [
            vote
            for vote in votes
            if vote.category is evidence.category
            and (vote.ends == evidence.ends or self._incident_of(vote) is incident)
        ]
        sure = sum(vote.weight for vote in agreeing if vote.certain) >= self._config.open_after
        if incident is not None:
            return alerts + self._feed(incident, agreeing, sure=sure)
        if sum(vote.weight for vote in agreeing) >= self._config.open_after:
            alerts += self._start(agreeing, sure=sure)
        return alerts

    def _admissible(self, verdict: Verdict) -> Evidence | None:
        """Return the evidence that may count; what is held back votes like a Benign window."""
        evidence = evidence_of(verdict)
        if evidence is None:
            return None
        if not evidence.certain and not self._config.alert_on_uncertain:
            self.suppressed["uncertain"] += 1
            return None
        if self._allow.allows(evidence):
            self.suppressed["allowed"] += 1
            return None
        if evidence.category is Category.RECON and self._part_of_ddos(evidence):
            self.suppressed["part_of_ddos"] += 1
            return None
        if self._answers_flood(evidence) or self._answers_scan(evidence):
            self.suppressed["answers"] += 1
            return None
        return evidence

    def _part_of_ddos(self, scan: Evidence) -> bool:
        """Tell whether a scan is the share of one source in a DDoS that goes to any port of its victim."""
        ddos = self._open.get((Subject(scan.exemplar.dest_host, Role.TARGET), Category.DDOS))
        if ddos is None or not (ddos.certain and scan.dominated):
            return False
        same_protocol = scan.exemplar.protocol == ddos.witness.exemplar.protocol
        return same_protocol and 2 * ddos.witness.ports >= ddos.witness.flows

    def _answers_scan(self, attack: Evidence) -> bool:
        """Tell whether an attack is what comes back to a scanner: no more packets than its scan has.

        Where a capture lost the question, its answer begins a flow, from the one who was asked.
        """
        scan = self._open.get((Subject(attack.exemplar.dest_host, Role.SOURCE), Category.RECON))
        return scan is not None and attack.answers and attack.news_packets <= scan.packets

    def _answers_flood(self, attack: Evidence) -> bool:
        """Tell whether an attack is what a victim sends back to its flood: answers, no more than it got.

        Where the meter has ended the flood's own flows, answers are flows of the victim, to many ends: a scan
        that answers, or comes from the flooded port. Datagrams to a closed port bring ICMP.
        """
        sender = Subject(attack.exemplar.src_host, Role.TARGET)
        floods = [flood for category in _FLOODS if (flood := self._open.get((sender, category)))]
        if attack.category is Category.RECON:
            port = attack.exemplar.src_port
            return any(attack.answers or port == flood.witness.exemplar.dest_port for flood in floods)
        answers = attack.answers and attack.dominated
        return answers and any(attack.news_packets <= flood.packets for flood in floods)

    def _incident_of(self, evidence: Evidence) -> Incident | None:
        """Return the open incident that explains this evidence."""
        categories = (Category.RECON,) if evidence.category is Category.RECON else _FLOODS
        for subject in evidence.ends:
            for category in categories:
                incident = self._open.get((subject, category))
                if incident is not None:
                    return incident
        return None

    def _feed(self, incident: Incident, agreeing: Sequence[Evidence], *, sure: bool) -> list[Alert]:
        """Add the newest window to an open incident; a DDoS that is sure replaces the victim's DoS."""
        evidence = agreeing[-1]
        graver_kind = evidence.category is Category.DDOS and incident.category is Category.DOS
        if graver_kind and sure:
            return [self._close(incident), *self._start(agreeing, sure=sure, replaced=incident)]
        if evidence.category is not incident.category and incident.category is Category.DDOS:
            self.suppressed["part_of_ddos"] += 1
        incident.add(evidence, self._now_ms)
        self._open.move_to_end((incident.subject, incident.category))
        graver = sure and not incident.certain
        incident.certain |= sure
        self.explained[-1] = incident.certain and evidence.certain and not graver_kind
        if graver or self._now_ms - incident.told_ms >= self._update_interval_ms:
            return [self._tell(incident, State.UPDATE, self._now_ms)]
        return []

    def _start(
        self, agreeing: Sequence[Evidence], *, sure: bool, replaced: Incident | None = None
    ) -> list[Alert]:
        """Open an incident on what the agreeing windows say, unless too many are open."""
        if len(self._open) >= self._config.max_open:
            self.suppressed["max_open"] += 1
            return []
        subject = _subject_of(agreeing)
        relevant = [evidence for evidence in agreeing if subject in {evidence.own, evidence.peer}]
        incident = Incident(
            subject=subject,
            category=relevant[0].category,
            bundle_digest=self._bundle_digest,
            opened_ms=self._now_ms,
            certain=sure,
            witness=relevant[0],
            replaces=replaced.id if replaced else None,
        )
        for evidence in relevant:
            incident.add(evidence, self._now_ms)
        if replaced:
            incident.first_ms = min(incident.first_ms, replaced.first_ms)
        self._open[subject, incident.category] = incident
        self.open_count[incident.category] += 1
        return [self._tell(incident, State.OPEN, self._now_ms)]

    def _close(self, incident: Incident) -> Alert:
        del self._open[incident.subject, incident.category]
        self.open_count[incident.category] -= 1
        # When it was due, not when that was noticed: the same in a replay of any speed.
        return self._tell(incident, State.CLOSE, min(self._now_ms, incident.seen_ms + self._close_after_ms))

    def _tell(self, incident: Incident, state: State, time_ms: int) -> Alert:
        incident.told_ms = time_ms
        return build(incident, state, time_ms, self._sources)


def _subject_of(agreeing: Sequence[Evidence]) -> Subject:
    """Return whom most windows name; without a majority the host whose windows they are."""
    ((subject, named),) = Counter(evidence.subject for evidence in agreeing).most_common(1)
    return subject if named * 2 > len(agreeing) else agreeing[-1].own
