"""What comes back from who was flooded or scanned is no attack of his, and a share in a flood is no scan."""

from typing import Any

import pytest

from detector.records import Category
from tests.detector.incidents.samples import A, V, told
from tests.detector.incidents.test_tracker import SOURCE, TARGET, incidents, windows

_, DDOS, DOS, RECON = Category
MANY = {"peers": 8, "top_peer_flows": 4}


@pytest.mark.parametrize(
    "sent_back",
    [
        {"src_port": 3, "protocol": 1},
        {"src_port": 0, "protocol": 58},
        {"src_port": 80, "dst_port": 51_000},
        {"src_port": 81, "replies": 16},
    ],
    ids=["icmp", "icmpv6", "from the flooded port", "resets, SYNs with ACK"],
)
def test_what_a_victim_sends_back_to_its_flood_is_no_scan(sent_back: dict[str, Any]) -> None:
    watch = incidents()
    watch.update(windows(DDOS, V, TARGET, peer=A, peers=32, top_peer_flows=1, dst_port=80))
    assert watch.update(windows(RECON, V, peer=A, at_ms=750, peers=25, count=9, **sent_back)) == []
    assert watch.update(windows(RECON, A, TARGET, peer=V, at_ms=750, count=9, **sent_back)) == []
    assert watch.suppressed["answers"] == 18


@pytest.mark.parametrize(
    ("category", "back", "told_too"),
    [
        (DOS, {}, False),
        (DDOS, {}, False),
        (DOS, {"interval_packets": 211}, True),  # more than it got
        (DOS, {"protocol": 17}, True),
        (DOS, {"peers": 2, "top_peer_flows": 25}, True),
    ],
)
def test_what_a_flooded_port_answers_is_no_flood(
    category: Category, back: dict[str, Any], *, told_too: bool
) -> None:
    """As of a closed port, which answers every datagram by ICMP."""
    watch = incidents()
    watch.update(windows(DDOS, V, TARGET, peer=A, protocol=17, interval_packets=70, **MANY))
    few = {"protocol": 1, "interval_packets": 60} | back
    opened = [*watch.update(windows(category, A, TARGET, peer=V, at_ms=750, **few))]
    assert bool(opened) == told_too
    assert watch.suppressed["answers"] == (0 if told_too else 3)


def test_a_victim_that_scans_is_told_and_so_is_an_answer_without_a_flood() -> None:
    watch = incidents()
    watch.update(windows(DOS, V, TARGET, peer=A, dst_port=80))
    (scan,) = watch.update(windows(RECON, V, peer="10.0.0.9", at_ms=750, dst_port=23, replies=15))
    assert told([scan]) == [f"Recon open {V}"]
    (other,) = watch.update(windows(RECON, "10.0.0.9", peer=A, at_ms=1500, src_port=80))
    assert told([other]) == ["Recon open 10.0.0.9"]


@pytest.mark.parametrize("category", [DDOS, DOS, RECON])
@pytest.mark.parametrize(
    "sent_back",
    [{"protocol": 1}, {"protocol": 58}, {"replies": 16, "ports": 1}],
    ids=["icmp", "icmpv6", "resets, SYNs with ACK"],
)
def test_what_comes_back_to_a_scanner_is_no_attack_on_it(
    category: Category, sent_back: dict[str, Any]
) -> None:
    """As of a capture that lost questions: their answers begin flows, from many ports to one."""
    watch = incidents()
    assert told(watch.update(windows(RECON, interval_packets=20))) == [f"Recon open {A}"]
    few = sent_back | {"at_ms": 750, "interval_packets": 60}
    assert watch.update(windows(category, V, SOURCE, peer=A, **few)) == []
    assert watch.update(windows(category, A, TARGET, peer=V, **few)) == []
    assert watch.suppressed["answers"] == 6
    more = watch.update(windows(category, A, TARGET, peer=V, **few | {"interval_packets": 200}))
    subject = V if category is RECON else A
    assert told(more) == [f"{category} open {subject}"]


@pytest.mark.parametrize(
    ("scanner", "replies"), [(A, 15), ("10.0.0.9", 16)], ids=["questions", "another's scan"]
)
def test_who_floods_a_scanner_is_told(scanner: str, replies: int) -> None:
    watch = incidents()
    watch.update(windows(RECON, scanner, interval_packets=20))
    (flood,) = watch.update(windows(DOS, A, TARGET, peer=V, at_ms=750, interval_packets=20, replies=replies))
    assert told([flood]) == [f"DoS open {A}"]


@pytest.mark.parametrize(
    ("ddos", "share", "told_too"),
    [
        ({"ports": 16}, {}, False),
        ({"ports": 15}, {}, True),  # a flood of few ports, and one who scans meanwhile
        ({"ports": 16}, {"protocol": 17}, True),
        ({"ports": 16}, {"peers": 9, "top_peer_flows": 25}, True),  # who scans others too
        ({"ports": 16, "uncertain": True}, {}, True),
    ],
)
def test_what_one_of_many_sends_to_any_port_of_their_victim_is_no_scan(
    ddos: dict[str, Any], share: dict[str, Any], *, told_too: bool
) -> None:
    """As bots do that forge ports: of each by itself it looks like a scan."""
    watch = incidents()
    assert told(watch.update(windows(DDOS, V, TARGET, peer=A, **MANY, **ddos))) == [f"DDoS open {V}"]
    opened = told(watch.update(windows(RECON, A, SOURCE, peer=V, at_ms=750, **share)))
    assert opened == [f"Recon open {A}"] * told_too
    assert watch.suppressed["part_of_ddos"] == (0 if told_too else 3)
    assert watch.update(windows(RECON, V, TARGET, peer=A, at_ms=1500, **share)) == []
