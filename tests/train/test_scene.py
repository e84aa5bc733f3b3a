import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from detector.errors import UsageError
from detector.records import CATEGORIES
from tests.command import PCAPS
from tests.train import augmented
from tests.train.augmented import START, VICTIM
from train.extract import extract_capture
from train.packets import PacketFile, ends
from train.scene import Attacks, Hosts, save_truth, scene
from train.sources import CaptureSource
from train.truth import Event, read_events


def whole(name: str, category: str, truth: Any = None) -> CaptureSource:
    label = CATEGORIES.index(category) if category in set(CATEGORIES) else -1
    path = PCAPS / f"{name}.pcap"
    return CaptureSource(path, name, "own", category, "MIT", label if truth is None else truth)


def test_a_truth_is_told_with_where_it_comes_from(tmp_path: Path) -> None:
    source = augmented.write(
        tmp_path / "lab", "dos-1", augmented.flood(["10.0.0.66"]), augmented.event("dos", ["10.0.0.66"])
    )
    found = scene(source)
    assert [attack["class"] for attack in found.attacks] == ["DoS"]
    assert not found.benign
    assert {name: found.told[name] for name in ("origin", "category", "layout", "made")} == {
        "origin": "lab",
        "category": "DoS",
        "layout": "lab",
        "made": [],
    }
    (parent,) = found.told["parents"]
    assert (parent["capture"], parent["origin"]) == ("lab/dos-1", "lab")
    assert parent["content"].startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "category"),
    [("scan-among-devices", "Recon"), ("udp-flood-one-source", "DoS"), ("syn-flood-spoofed", "DDoS")],
)
def test_events_found_label_as_the_whole_label_does(name: str, category: str, tmp_path: Path) -> None:
    source = whole(name, category)
    told = scene(source).told
    save_truth(tmp_path / "x.json", told)
    assert len(told["events"]) == 1
    expected = extract_capture(source.path, CATEGORIES.index(category)).labels
    assert extract_capture(source.path, read_events(tmp_path / "x.json")).labels.tolist() == expected.tolist()


def test_benign_and_other_captures_tell_no_event() -> None:
    assert scene(whole("quiet-home", "Benign")).benign
    other = scene(whole("quiet-home", "other"))
    assert (other.benign, other.told["default_class"]) == (False, "ignore")


def test_events_of_a_table_are_told(tmp_path: Path) -> None:
    event = Event(3, ("10.0.0.66",), ("*",), 1_700_000_000_000, 1_700_000_009_501)
    told = scene(whole("quiet-home", "mixed", (event,))).told
    save_truth(tmp_path / "x.json", told)
    assert read_events(tmp_path / "x.json") == [event]


def test_what_is_no_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"events": 3}))
    with pytest.raises(UsageError, match="no readable truth"):
        scene(whole("quiet-home", "mixed", tmp_path / "x.json"))
    with pytest.raises(UsageError, match=r"none/x\.json: cannot be written"):
        save_truth(tmp_path / "none" / "x.json", {})


@pytest.mark.parametrize(
    ("named", "bystanders", "inside", "outside"),
    [
        (["10.0.0.1"], [], ["10.0.0.1"], ["10.0.0.2", "::1"]),
        (["10.0.0.0/24", "2001:db8::/32"], [], ["10.0.0.9", "2001:db8::7"], ["10.0.1.1", "::1"]),
        (["*"], [], ["10.0.0.1", "::1"], []),
        (["*"], ["10.0.0.1", "fe80::/16"], ["10.0.0.2"], ["10.0.0.1", "fe80::1"]),
        ([], [], [], ["10.0.0.1"]),
    ],
)
def test_hosts_are_those_that_a_truth_names(
    named: list[str], bystanders: list[str], inside: list[str], outside: list[str]
) -> None:
    hosts = Hosts(named, bystanders)
    assert all(ip_address(host).packed in hosts for host in inside)
    assert not any(ip_address(host).packed in hosts for host in outside)


def test_packets_of_an_attack_are_known_both_ways_and_in_its_time_alone(tmp_path: Path) -> None:
    event = augmented.event("DoS", ["10.0.0.66"]) | {"end": START + 1.1}
    source = augmented.write(tmp_path, "dos-1", [*augmented.flood(["10.0.0.66"]), *augmented.life()], event)
    attacks = Attacks(scene(source).told)
    found = []
    for packet in PacketFile(source.path):
        known = ends(packet.data, 1)
        assert known is not None
        found.append(attacks.of(packet, known))
        if found[-1] is not None:
            assert ip_address(VICTIM).packed in (known.src, known.dst)
    assert found.count((0, True)) == 11
    assert found.count((0, False)) == 11
