"""An incident's state as an alert that anything reads which reads Suricata's EVE.

`configs/alert.schema.json` describes every field.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from communityid import CommunityID, FlowTuple

from detector.incidents.evidence import Exemplar
from detector.incidents.incident import Incident
from detector.incidents.reason import WITH_PORTS, attacker, protocol_name, reason, victim
from detector.records import CATEGORIES, Alert, Category, Source, State

_GENERATOR, _REVISION = 1, 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: a capture may claim any time."""
_FLOW_ID_BITS = 51
"""Suricata's own width; JSON readers that take numbers for doubles keep all of it."""
_NO_PORTS_READ = frozenset({1, 58, 132})
"""ICMP and SCTP: their community id needs types or ports, which NFStream does not read."""

_RULES: dict[Category, dict[str, Any]] = {
    Category.RECON: {
        "signature_id": 9_100_001,
        "signature": "IOTIDS Recon: host or port scan",
        "category": "Detection of a Network Scan",
        "metadata": {
            "mitre_tactic_id": ["TA0043", "TA0007"],
            "mitre_technique_id": ["T1595", "T1046"],
            "mitre_technique_name": ["Active Scanning", "Network Service Discovery"],
        },
    },
    Category.DOS: {
        "signature_id": 9_100_002,
        "signature": "IOTIDS DoS: flood from one source",
        "category": "Detection of a Denial of Service Attack",
        "metadata": {
            "mitre_tactic_id": ["TA0040"],
            "mitre_technique_id": ["T1499", "T1498"],
            "mitre_technique_name": ["Endpoint Denial of Service", "Network Denial of Service"],
        },
    },
    Category.DDOS: {
        "signature_id": 9_100_003,
        "signature": "IOTIDS DDoS: flood from many sources",
        "category": "Detection of a Denial of Service Attack",
        "metadata": {
            "mitre_tactic_id": ["TA0040"],
            "mitre_technique_id": ["T1498"],
            "mitre_technique_name": ["Network Denial of Service"],
        },
    },
}
"""`alert` by category; ids beyond 9,000,000 collide with no published rule set."""


def build(incident: Incident, state: State, time_ms: int, sources: Sequence[Source]) -> Alert:
    """Return the alert that tells an incident's state at a packet time."""
    sentence = reason(incident)
    flow = incident.witness.exemplar
    source = sources[incident.witness.source]
    event = {
        "timestamp": timestamp(time_ms),
        **_flow_ids(flow),
        "in_iface" if source.live else "pcap_filename": _valid_text(source.name),
        "event_type": "alert",
        "src_ip": str(flow.src),
        "src_port": flow.src_port,
        "dest_ip": str(flow.dest),
        "dest_port": flow.dest_port,
        "proto": protocol_name(flow.protocol),
        "alert": {
            "action": "allowed",
            "gid": _GENERATOR,
            "rev": _REVISION,
            "severity": incident.severity,
            **_RULES[incident.category],
        },
        "iotids": _details(incident, state, sentence),
    }
    return Alert(
        state=state,
        category=incident.category,
        severity=incident.severity,
        confidence=incident.confidence,
        time_ms=time_ms,
        first_ms=incident.first_ms,
        attacker=attacker(incident),
        victim=victim(incident),
        reason=sentence,
        event=event,
    )


def timestamp(milliseconds: int) -> str:
    """Return a packet time in EVE's form: ISO 8601, microseconds, always UTC."""
    time = _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}+0000"


def _details(incident: Incident, state: State, sentence: str) -> dict[str, Any]:
    details: dict[str, Any] = {
        "incident_id": incident.id,
        "state": state.value,
        "category": incident.category.value,
        "confidence": round(incident.confidence, 4),
        "probabilities": {
            category.value: round(chance, 4)
            for category, chance in zip(CATEGORIES, incident.probabilities, strict=True)
        },
        "subject_ip": str(incident.subject.address),
        "role": incident.subject.role.name.lower(),
        "first_seen": timestamp(incident.first_ms),
        "last_seen": timestamp(incident.last_ms),
        "flows": incident.flows,
        "peers": incident.peers,
        "ports": incident.ports,
        "reason": sentence,
        "bundle": incident.bundle_digest,
    }
    if incident.replaces is not None:
        details["replaces"] = incident.replaces
    return details


def _flow_ids(flow: Exemplar) -> dict[str, Any]:
    """Return `flow_id`, from the bits of the community id, and that id itself where it is right."""
    ported = flow.protocol in WITH_PORTS | _NO_PORTS_READ
    ports = (flow.src_port, flow.dest_port) if ported else (None, None)
    community_id: str = CommunityID().calc(FlowTuple(flow.protocol, flow.src, flow.dest, *ports))
    digest = base64.b64decode(community_id.removeprefix("1:"))
    flow_id = int.from_bytes(digest, "big") >> (8 * len(digest) - _FLOW_ID_BITS)
    if flow.protocol in _NO_PORTS_READ:
        return {"flow_id": flow_id}
    return {"flow_id": flow_id, "community_id": community_id}


def _valid_text(name: str) -> str:
    """Return a name that JSON can hold: a path may have bytes that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()
