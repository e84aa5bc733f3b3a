import pytest

from detector.incidents.evidence import Subject, evidence_of
from detector.records import Category, Role
from tests.detector.incidents.samples import A, V, evidence, subject, verdict

SOURCE, TARGET = Role
A_SOURCE, V_TARGET = subject(A, SOURCE), subject(V, TARGET)


@pytest.mark.parametrize(
    ("category", "role", "of_32", "expected"),
    [
        (Category.RECON, SOURCE, 32, A_SOURCE),
        (Category.RECON, SOURCE, 1, A_SOURCE),  # a sweep
        (Category.RECON, TARGET, 26, A_SOURCE),
        (Category.RECON, TARGET, 25, V_TARGET),  # below 80 %: a distributed scan
        (Category.DOS, TARGET, 1, V_TARGET),
        (Category.DOS, SOURCE, 26, V_TARGET),
        (Category.DOS, SOURCE, 25, A_SOURCE),  # one source that floods many
        (Category.DDOS, TARGET, 32, V_TARGET),
        (Category.DDOS, SOURCE, 32, V_TARGET),
        (Category.DDOS, SOURCE, 25, A_SOURCE),
    ],
)
def test_the_subject_is_the_scanner_or_the_victim(
    category: Category, role: Role, of_32: int, expected: Subject
) -> None:
    host, peer = (A, V) if role is SOURCE else (V, A)
    assert evidence(category, host, role, peer=peer, top_peer_flows=of_32).subject == expected


@pytest.mark.parametrize(
    ("category", "role", "of_32", "expected"),
    [
        (Category.RECON, SOURCE, 16, (A_SOURCE, V_TARGET)),
        (Category.RECON, SOURCE, 15, (A_SOURCE,)),
        (Category.RECON, TARGET, 32, (A_SOURCE, V_TARGET)),
        (Category.DOS, TARGET, 16, (V_TARGET, A_SOURCE)),
        (Category.DOS, TARGET, 15, (V_TARGET,)),
        (Category.DDOS, TARGET, 32, (V_TARGET,)),
    ],
)
def test_an_attack_has_two_ends_where_the_peer_has_half_of_the_flows(
    category: Category, role: Role, of_32: int, expected: tuple[Subject, ...]
) -> None:
    host, peer = (A, V) if role is SOURCE else (V, A)
    assert evidence(category, host, role, peer=peer, top_peer_flows=of_32).ends == expected


def test_benign_is_evidence_of_nothing() -> None:
    assert evidence_of(verdict(Category.BENIGN)) is None


def test_ddos_seen_from_one_source_is_dos_with_the_probability_of_both() -> None:
    found = evidence(Category.DDOS, confidence=0.7)  # the other classes have 0.1 each
    assert (found.category, found.raised) == (Category.DOS, Category.DDOS)
    assert found.confidence == pytest.approx(0.8)
    assert found.probabilities == pytest.approx((0.1, 0.7, 0.1, 0.1))


def test_ddos_seen_from_the_victim_stays_ddos() -> None:
    found = evidence(Category.DDOS, V, TARGET, peer=A, confidence=0.7)
    assert (found.category, found.confidence) == (Category.DDOS, 0.7)


def test_evidence_outlives_the_batch_it_was_read_from() -> None:
    source = verdict(Category.RECON, uncertain=True, flows=7, peers=3, ports=5)
    found = evidence_of(source)
    source.facts["flows"] = source.facts["host"] = 0
    assert found is not None
    assert (found.certain, found.flows, found.peers, found.ports) == (False, 7, 3, 5)
    assert (str(found.own.address), str(found.peer.address)) == (A, V)


def test_addresses_keep_their_family() -> None:
    found = evidence(Category.RECON, "2001:db8::66", peer="2001:db8::5")
    assert (str(found.own.address), str(found.exemplar.dest)) == ("2001:db8::66", "2001:db8::5")


@pytest.mark.parametrize(
    ("category", "uncertain", "flows", "packets", "weight"),
    [
        (Category.RECON, False, 1, 1, 1),
        (Category.RECON, False, 32, 32, 3),
        (Category.RECON, False, 1, 5000, 1),  # packets make no scan
        (Category.DOS, False, 1, 127, 1),
        (Category.DOS, False, 1, 256, 3),
        (Category.DOS, True, 1, 5000, 1),
        (Category.DDOS, False, 48, 300, 4),
    ],
)
def test_a_window_counts_for_more_the_more_it_shows(
    category: Category, *, uncertain: bool, flows: int, packets: int, weight: int
) -> None:
    found = evidence(category, uncertain=uncertain, interval_flows=flows, interval_packets=packets)
    assert found.weight == weight


@pytest.mark.parametrize(
    ("category", "confidence", "uncertain", "weight"),
    [
        (Category.RECON, 0.98, False, 3),
        (Category.RECON, 0.97, False, 1),
        (Category.RECON, 0.98, True, 1),
        (Category.DOS, 0.98, False, 1),
    ],
)
def test_a_few_flows_of_a_sure_scan_are_enough(
    category: Category, confidence: float, *, uncertain: bool, weight: int
) -> None:
    found = evidence(category, confidence=confidence, uncertain=uncertain, interval_flows=8)
    assert found.weight == weight
