"""Verdicts for tests: A is the attacker, V the victim, every other host is an address by number."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detector.config import IncidentConfig
from detector.incidents.evidence import Evidence, Subject, evidence_of
from detector.records import CATEGORIES, FACTS_DTYPE, Alert, Category, Role, Source, Verdict, address_words

A, V = "10.0.0.66", "10.0.0.5"
START_MS = 1_795_420_800_000
"""2026-11-23T08:00:00Z."""
DIGEST = f"sha256:{'ab' * 32}"
SOURCES = [Source("scan.pcap", live=False), Source("eth0", live=True)]


def facts(host: str, role: Role, at_ms: int, peer: str, **counts: Any) -> np.void:
    """A window of 32 flows to 32 ports of one peer in a second; `at_ms` counts from `START_MS`."""
    row: np.void = np.zeros(1, FACTS_DTYPE)[0]
    row["host"], row["role"], row["top_peer"] = address_words(host), role, address_words(peer)
    src, dest = (host, peer) if role is Role.SOURCE else (peer, host)
    row["src_ip"], row["dst_ip"] = address_words(src), address_words(dest)
    row["time_ms"] = row["last_ms"] = START_MS + at_ms
    row["first_ms"] = START_MS + at_ms - 1000
    usual = {
        "flows": 32,
        "packets": 64,
        "peers": 1,
        "ports": 32,
        "unanswered": 31,
        "top_peer_flows": counts.get("flows", 32),
        "src_port": 40_000,
        "dst_port": 23,
        "protocol": 6,
    }
    for name, value in {**usual, **counts}.items():
        row[name] = value
    return row


def verdict(
    category: Category,
    host: str = A,
    role: Role = Role.SOURCE,
    at_ms: int = 0,
    peer: str = V,
    *,
    confidence: float = 0.9,
    uncertain: bool = False,
    **counts: Any,
) -> Verdict:
    rest = (1 - confidence) / (len(CATEGORIES) - 1)
    chances = tuple(confidence if each is category else rest for each in CATEGORIES)
    return Verdict(category, confidence, chances, uncertain, facts(host, role, at_ms, peer, **counts))


def evidence(category: Category, *arguments: Any, **named: Any) -> Evidence:
    found = evidence_of(verdict(category, *arguments, **named))
    assert found is not None
    return found


def subject(host: str, role: Role) -> Subject:
    return Subject(address_words(host).tobytes(), role)


def config(**options: Any) -> IncidentConfig:
    return IncidentConfig(**{"open_after": 3, "open_within": 5, **options})


def told(alerts: Sequence[Alert]) -> list[str]:
    """The alerts in short: "Recon open 10.0.0.66"."""
    return [f"{alert.category} {alert.state} {alert.event['iotids']['subject_ip']}" for alert in alerts]
