"""Incidents in words: what has been seen since they began."""

from detector.incidents.incident import Incident
from detector.records import Category, Role

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "IPv6-ICMP"}
"""Names as Suricata's EVE has them; any other protocol goes by its number."""

WITH_PORTS = frozenset({6, 17})
"""TCP and UDP: the protocols whose ports NFStream reads."""

_SECOND_MS = 1000
_LONG_SECS = 600


def reason(incident: Incident) -> str:
    """Say what has been seen since the incident began.

    "411 ports of 1 host in 3.1 s, 98 % unanswered"; "5,120 packets from 31 sources in 0.4 s".
    """
    window = incident.witness
    spent = duration(incident.last_ms - incident.first_ms)
    peers = _peers(incident)
    if incident.category is not Category.RECON:
        whom = f"to {count(peers, 'host')}"
        if incident.subject.role is Role.TARGET:
            whom = f"from {count(peers, 'source')}"
        return f"{count(incident.packets, 'packet')} {whom} in {spent}"
    # Rounded down, so that 100 % means all.
    silent = f"{100 * window.unanswered // max(window.flows, 1)} % unanswered"
    if incident.subject.role is Role.SOURCE:
        return f"{_probed(incident, count(peers, 'host'))} in {spent}, {silent}"
    return f"{_probed(incident, '1 host')} from {count(peers, 'source')} in {spent}, {silent}"


def attacker(incident: Incident) -> str:
    """Name the attacking side: an address if one host does most of it, else how many they are."""
    if incident.subject.role is Role.SOURCE:
        return str(incident.subject.address)
    return str(incident.witness.exemplar.src) if _one_peer(incident) else count(_peers(incident), "source")


def victim(incident: Incident) -> str:
    """Name the attacked side: an address if one host suffers most of it, else how many they are."""
    if incident.subject.role is Role.TARGET:
        return str(incident.subject.address)
    return str(incident.witness.exemplar.dest) if _one_peer(incident) else count(_peers(incident), "host")


def count(number: int, noun: str) -> str:
    """Return "1 host", "5,120 hosts"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(milliseconds: int) -> str:
    """Return "12 ms", "3.1 s" or "14 min", by length."""
    if milliseconds < _SECOND_MS / 10:
        return f"{milliseconds} ms"
    seconds = milliseconds / _SECOND_MS
    return f"{seconds:.1f} s" if seconds < _LONG_SECS else f"{seconds / 60:.0f} min"


def _probed(incident: Incident, hosts: str) -> str:
    exemplar = incident.witness.exemplar
    if exemplar.protocol not in WITH_PORTS:
        return f"{count(incident.flows, f'{protocol_name(exemplar.protocol)} probe')} of {hosts}"
    if incident.ports == 1:
        return f"port {exemplar.dest_port} of {hosts}"
    return f"{incident.ports:,} ports of {hosts}"


def protocol_name(number: int) -> str:
    """Return EVE's name of an IP protocol, or its number as text."""
    return PROTOCOLS.get(number, str(number))


def _peers(incident: Incident) -> int:
    """How many hosts were seen at the other end of the subject's flows."""
    return incident.peers if incident.witness.own == incident.subject else 1


def _one_peer(incident: Incident) -> bool:
    return _peers(incident) == 1 or incident.witness.dominated
