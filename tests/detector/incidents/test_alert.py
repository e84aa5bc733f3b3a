"""The alert and its schema: `configs/alert.schema.json` describes all of it and nothing else."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.incidents.alert import build, timestamp
from detector.incidents.incident import Incident
from detector.records import Alert, Category, Role, Source, State
from tests.detector.incidents.samples import DIGEST, SOURCES, START_MS, A, V, evidence

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "configs" / "alert.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
ATTACKS = (Category.RECON, Category.DOS, Category.DDOS)

IN_FULL: dict[str, Any] = {
    "timestamp": "2026-11-23T08:00:00.123000+0000",
    "flow_id": 446322294704994,
    "community_id": "1:Mr2wOplsVjDjN+XXQos3kxkB3jI=",
    "pcap_filename": "scan.pcap",
    "event_type": "alert",
    "src_ip": "10.0.0.66",
    "src_port": 40000,
    "dest_ip": "10.0.0.5",
    "dest_port": 23,
    "proto": "TCP",
    "alert": {
        "action": "allowed",
        "gid": 1,
        "rev": 1,
        "severity": 2,
        "signature_id": 9100001,
        "signature": "IOTIDS Recon: host or port scan",
        "category": "Detection of a Network Scan",
        "metadata": {
            "mitre_tactic_id": ["TA0043", "TA0007"],
            "mitre_technique_id": ["T1595", "T1046"],
            "mitre_technique_name": ["Active Scanning", "Network Service Discovery"],
        },
    },
    "iotids": {
        "incident_id": "2428862bf1d4c42d",
        "state": "open",
        "category": "Recon",
        "confidence": 0.97,
        "probabilities": {"Benign": 0.01, "DDoS": 0.01, "DoS": 0.01, "Recon": 0.97},
        "subject_ip": "10.0.0.66",
        "role": "source",
        "first_seen": "2026-11-23T07:59:59.000000+0000",
        "last_seen": "2026-11-23T08:00:00.000000+0000",
        "flows": 412,
        "peers": 1,
        "ports": 411,
        "reason": "411 ports of 1 host in 1.0 s, 98 % unanswered",
        "bundle": DIGEST,
    },
}
"""A scan of 411 ports; the community id was computed from its specification."""


def alert(
    category: Category = Category.RECON,
    role: Role = Role.SOURCE,
    state: State = State.OPEN,
    *,
    ends: tuple[str, str] = (A, V),
    certain: bool = True,
    replaces: str | None = None,
    sources: list[Source] = SOURCES,
    **counts: Any,
) -> Alert:
    host, peer = ends if role is Role.SOURCE else ends[::-1]
    witness = evidence(category, host, role, peer=peer, confidence=0.97, **counts)
    incident = Incident(
        subject=witness.subject,
        category=witness.category,
        bundle_digest=DIGEST,
        opened_ms=START_MS,
        certain=certain,
        witness=witness,
        replaces=replaces,
    )
    incident.add(witness, START_MS)
    return build(incident, state, START_MS + 123, sources)


def sent(alert: Alert) -> dict[str, Any]:
    """The alert as its readers see it, valid."""
    event: dict[str, Any] = orjson.loads(orjson.dumps(alert.event))
    VALIDATOR.validate(event)
    return event


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)


def test_the_schema_is_closed_and_describes_every_field() -> None:
    VALIDATOR.check_schema(SCHEMA)
    objects = [part for part in parts(SCHEMA) if part.get("type") == "object"]
    assert len(objects) == 5
    assert all(part["additionalProperties"] is False for part in objects)
    fields = {name: field for part in objects for name, field in part["properties"].items()}
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 10] == []


def test_a_scan_told_in_full() -> None:
    assert sent(alert(flows=412, ports=411, unanswered=407)) == IN_FULL


@pytest.mark.parametrize(
    ("category", "role", "state", "certain"), list(product(ATTACKS, Role, State, (True, False)))
)
def test_every_kind_of_alert_is_valid(category: Category, role: Role, state: State, *, certain: bool) -> None:
    for dominating, source in product((32, 1), (0, 1)):
        told = alert(category, role, state, certain=certain, top_peer_flows=dominating, source=source)
        event = sent(told)
        assert event["iotids"]["state"] == state.value
        assert event["iotids"]["category"] == told.category.value
        assert event["alert"]["severity"] == told.severity


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"in_iface": "eth0"},  # together with pcap_filename
        {"src_ip": "10.0.0"},
        {"timestamp": "2026-11-23T08:00:00Z"},
        {"iotids": {}},
    ],
)
def test_the_schema_refuses_what_is_no_alert(change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**alert().event, **change})


@pytest.mark.parametrize(
    ("protocol", "name", "identified"),
    [
        (6, "TCP", True),
        (17, "UDP", True),
        (1, "ICMP", False),
        (58, "IPv6-ICMP", False),
        (132, "132", False),
        (47, "47", True),
    ],
)
def test_a_community_id_is_given_only_where_it_is_right(
    protocol: int, name: str, *, identified: bool
) -> None:
    event = sent(alert(protocol=protocol, src_port=0, dst_port=0))
    assert (event["proto"], "community_id" in event) == (name, identified)


def test_both_directions_of_a_flow_have_one_identity_and_other_flows_another() -> None:
    there = sent(alert(src_port=40_000, dst_port=23))
    back = sent(alert(ends=(V, A), src_port=23, dst_port=40_000))
    other = sent(alert(src_port=40_001, dst_port=23))
    assert (there["flow_id"], there["community_id"]) == (back["flow_id"], back["community_id"])
    assert there["flow_id"] != other["flow_id"]


def test_ipv6_and_live_interfaces_are_told_as_such() -> None:
    event = sent(alert(ends=("2001:db8::66", "fe80::5"), source=1))
    assert (event["src_ip"], event["dest_ip"]) == ("2001:db8::66", "fe80::5")
    assert event["in_iface"] == "eth0"
    assert "pcap_filename" not in event


def test_an_escalation_names_what_it_replaces() -> None:
    replaced = alert(Category.DOS).event["iotids"]["incident_id"]
    event = sent(alert(Category.DDOS, Role.TARGET, replaces=replaced))
    assert event["iotids"]["replaces"] == replaced


def test_any_file_name_can_be_told() -> None:
    event = sent(alert(sources=[Source("nicht-\udcfc\n.pcap", live=False)]))
    assert event["pcap_filename"] == "nicht-\\udcfc\n.pcap"


def test_the_record_says_what_the_event_says() -> None:
    told = alert(state=State.CLOSE)
    assert (told.state, told.category, told.severity) == (State.CLOSE, Category.RECON, 2)
    assert (told.attacker, told.victim, told.confidence) == (A, V, 0.97)
    assert (told.time_ms, told.first_ms) == (START_MS + 123, START_MS - 1000)
    assert told.reason == told.event["iotids"]["reason"]


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000000+0000"),
        (1_795_420_800_001, "2026-11-23T08:00:00.001000+0000"),
        (2**64 - 1, "9999-12-31T23:59:59.999000+0000"),
    ],
)
def test_packet_times_are_told_in_utc_whatever_a_capture_claims(milliseconds: int, expected: str) -> None:
    assert timestamp(milliseconds) == expected


@given(
    counts=st.fixed_dictionaries(
        {name: st.integers(0, 2**32 - 1) for name in ("flows", "packets", "peers", "ports", "unanswered")}
    ),
    protocol=st.integers(0, 255),
    ends=st.tuples(st.ip_addresses(v=4).map(str), st.ip_addresses(v=4).map(str)),
    category=st.sampled_from(ATTACKS),
    role=st.sampled_from(Role),
)
def test_whatever_a_window_saw_gives_a_valid_alert(
    counts: dict[str, Any], protocol: int, ends: tuple[str, str], category: Category, role: Role
) -> None:
    sent(alert(category, role, ends=ends, protocol=protocol, **counts))
