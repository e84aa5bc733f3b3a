from typing import Any

import pytest

from detector.incidents.evidence import Evidence
from detector.incidents.incident import Incident
from detector.records import Category, Role
from tests.detector.incidents.samples import DIGEST, START_MS, A, V, evidence, subject

TARGET = Role.TARGET


def incident(witness: Evidence, **fields: Any) -> Incident:
    made = Incident(
        **{
            "subject": witness.subject,
            "category": witness.category,
            "bundle_digest": DIGEST,
            "opened_ms": START_MS,
            "certain": True,
            "witness": witness,
            **fields,
        }
    )
    made.add(witness, START_MS)
    return made


@pytest.mark.parametrize(
    ("category", "certain", "severity"),
    [
        (Category.DDOS, True, 1),
        (Category.DOS, True, 1),
        (Category.RECON, True, 2),
        (Category.RECON, False, 3),
        (Category.DOS, False, 3),
    ],
)
def test_severity_is_that_of_suricata_where_1_is_high(
    category: Category, severity: int, *, certain: bool
) -> None:
    assert incident(evidence(category, V, TARGET, peer=A), certain=certain).severity == severity


def test_times_span_all_evidence() -> None:
    scan = incident(evidence(Category.RECON, at_ms=5000))
    scan.add(evidence(Category.RECON, at_ms=9000), START_MS + 9000)
    scan.add(evidence(Category.RECON, at_ms=2000), START_MS + 9100)
    assert (scan.first_ms, scan.last_ms) == (START_MS + 1000, START_MS + 9000)
    assert scan.seen_ms == START_MS + 9100


def test_counts_are_the_most_of_one_window() -> None:
    scan = incident(evidence(Category.RECON, flows=10, peers=4, ports=2))
    scan.add(evidence(Category.RECON, flows=8, peers=1, ports=8), START_MS)
    assert (scan.flows, scan.peers, scan.ports) == (10, 4, 8)


def test_the_window_of_the_other_end_knows_one_peer_and_the_flows_between() -> None:
    scan = incident(evidence(Category.RECON, V, TARGET, peer=A, flows=30, peers=5, top_peer_flows=26))
    assert scan.subject == subject(A, Role.SOURCE)
    assert (scan.flows, scan.peers, scan.ports) == (26, 1, 32)


def test_confidence_and_probabilities_are_those_of_the_surest_window() -> None:
    scan = incident(evidence(Category.RECON, confidence=0.8))
    surest = evidence(Category.RECON, confidence=0.95)
    scan.add(surest, START_MS)
    scan.add(evidence(Category.RECON, confidence=0.9), START_MS)
    assert (scan.confidence, scan.probabilities) == (0.95, surest.probabilities)


def test_a_folded_dos_window_says_nothing_about_the_ddos() -> None:
    flood = incident(evidence(Category.DDOS, V, TARGET, peer=A, confidence=0.8, packets=64))
    flood.add(evidence(Category.DOS, V, TARGET, peer=A, confidence=0.99, packets=1000), START_MS)
    assert flood.confidence == 0.8
    assert flood.witness.packets == 64


@pytest.mark.parametrize(
    ("category", "less", "more"),
    [
        (Category.RECON, {"ports": 8, "peers": 1}, {"ports": 9, "peers": 1}),
        (Category.RECON, {"ports": 8, "peers": 1}, {"ports": 1, "peers": 9}),
        (Category.DOS, {"packets": 500, "ports": 32}, {"packets": 501, "ports": 1}),
    ],
)
def test_the_witness_is_the_window_that_shows_the_most(
    category: Category, less: dict[str, int], more: dict[str, int]
) -> None:
    small, large = evidence(category, **less), evidence(category, **more)
    for first, second in ((small, large), (large, small)):
        watched = incident(first)
        watched.add(second, START_MS)
        assert watched.witness is large


def test_the_subjects_own_window_is_the_better_witness() -> None:
    of_target = evidence(Category.RECON, V, TARGET, peer=A, ports=32)
    own = evidence(Category.RECON, ports=5)
    scan = incident(of_target)
    scan.add(own, START_MS)
    scan.add(of_target, START_MS)
    assert scan.witness is own


def test_the_id_is_the_same_in_a_replay_and_differs_for_anything_else() -> None:
    scan = evidence(Category.RECON)
    others = [
        incident(scan, opened_ms=START_MS + 1),
        incident(scan, bundle_digest=f"sha256:{'cd' * 32}"),
        incident(scan, subject=subject(A, TARGET)),
        incident(scan, subject=subject(V, Role.SOURCE)),
        incident(evidence(Category.DOS), subject=subject(A, Role.SOURCE)),
    ]
    assert incident(scan).id == incident(evidence(Category.RECON, ports=1)).id
    assert len({incident(scan).id, *(other.id for other in others)}) == 6
