from typing import Any

import pytest

from detector.incidents.evidence import Evidence, Subject
from detector.incidents.incident import Incident
from detector.incidents.reason import attacker, count, duration, reason, victim
from detector.records import Category, Role
from tests.detector.incidents.samples import DIGEST, START_MS, A, V, evidence

SOURCE, TARGET = Role


def incident(witness: Evidence, subject: Subject | None = None) -> Incident:
    made = Incident(
        subject=subject or witness.subject,
        category=witness.category,
        bundle_digest=DIGEST,
        opened_ms=START_MS,
        certain=True,
        witness=witness,
    )
    made.add(witness, START_MS)
    return made


def seen(category: Category, role: Role, **counts: Any) -> Incident:
    host, peer = (A, V) if role is SOURCE else (V, A)
    return incident(evidence(category, host, role, peer=peer, **counts))


@pytest.mark.parametrize(
    ("category", "role", "counts", "expected"),
    [
        (
            Category.RECON,
            SOURCE,
            {"flows": 412, "ports": 411, "unanswered": 407},
            "411 ports of 1 host in 1.0 s, 98 % unanswered",
        ),
        (
            Category.RECON,
            SOURCE,
            {"peers": 31, "ports": 1, "top_peer_flows": 1},
            "port 23 of 31 hosts in 1.0 s, 96 % unanswered",
        ),
        (
            Category.RECON,
            SOURCE,
            {"peers": 30, "ports": 1, "top_peer_flows": 1, "protocol": 1, "unanswered": 0},
            "32 ICMP probes of 30 hosts in 1.0 s, 0 % unanswered",
        ),
        (
            Category.RECON,
            TARGET,
            {"peers": 8, "top_peer_flows": 4, "unanswered": 32},
            "32 ports of 1 host from 8 sources in 1.0 s, 100 % unanswered",
        ),
        (Category.RECON, TARGET, {}, "32 ports of 1 host in 1.0 s, 96 % unanswered"),
        (
            Category.DDOS,
            TARGET,
            {"peers": 31, "packets": 5120, "top_peer_flows": 2},
            "5,120 packets from 31 sources in 1.0 s",
        ),
        (Category.DOS, TARGET, {}, "64 packets from 1 source in 1.0 s"),
        (Category.DOS, SOURCE, {}, "64 packets from 1 source in 1.0 s"),
        (Category.DOS, SOURCE, {"peers": 4, "top_peer_flows": 8}, "64 packets to 4 hosts in 1.0 s"),
    ],
)
def test_the_sentence_tells_what_one_window_showed(
    category: Category, role: Role, counts: dict[str, int], expected: str
) -> None:
    assert reason(seen(category, role, **counts)) == expected


@pytest.mark.parametrize(
    ("category", "role", "counts", "expected"),
    [
        (Category.RECON, SOURCE, {}, (A, V)),
        (Category.RECON, SOURCE, {"peers": 3, "top_peer_flows": 26}, (A, V)),
        (Category.RECON, SOURCE, {"peers": 12, "top_peer_flows": 3}, (A, "12 hosts")),
        (Category.RECON, TARGET, {"peers": 1200, "top_peer_flows": 1}, ("1,200 sources", V)),
        (Category.DOS, TARGET, {"peers": 2, "top_peer_flows": 30}, (A, V)),
        (Category.DOS, SOURCE, {"peers": 12, "top_peer_flows": 3}, (A, "12 hosts")),
        (Category.DDOS, TARGET, {"peers": 31, "top_peer_flows": 1}, ("31 sources", V)),
    ],
)
def test_both_sides_are_named_or_counted(
    category: Category, role: Role, counts: dict[str, int], expected: tuple[str, str]
) -> None:
    incident = seen(category, role, **counts)
    assert (attacker(incident), victim(incident)) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0, "0 ms"), (99, "99 ms"), (100, "0.1 s"), (3140, "3.1 s"), (599_000, "599.0 s"), (840_000, "14 min")],
)
def test_durations_are_short_to_read(milliseconds: int, expected: str) -> None:
    assert duration(milliseconds) == expected


def test_nouns_follow_their_number() -> None:
    assert [count(number, "host") for number in (0, 1, 5120)] == ["0 hosts", "1 host", "5,120 hosts"]


def test_a_window_without_flows_has_a_sentence_too() -> None:
    assert reason(seen(Category.RECON, SOURCE, flows=0, unanswered=0)).endswith("0 % unanswered")
