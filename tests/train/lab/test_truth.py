"""The truth says what the packets say."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.records import Category
from train.lab import truth
from train.lab.plan import Event, Host, Job, World
from train.truth import LEFT_OUT, read_events

crafted = runpy.run_path(str(Path(__file__).parents[2] / "pcaps" / "crafted.py"))
CAMERA, HUB = "192.168.7.20", "192.168.7.2"
EPOCH = crafted["EPOCH"]


@pytest.fixture
def flood(tmp_path: Path) -> Path:
    """The crafted flood: polls from 0 s to 14 s, spoofed SYNs from 5 s to 10 s."""
    path = tmp_path / "flood.pcap"
    path.write_bytes(crafted["files"]()["syn-flood-spoofed.pcap"])
    return path


def world(*events: Event) -> World:
    """A world in which the first event's job runs from 4.5 s to 10.5 s on the hub."""
    job = Job(program="flood", start=4.5, seconds=6.0, event=0)
    hub = Host(name="hub", kind="hub", mac="", addresses=[f"{HUB}/24"], jobs=[job])
    camera = Host(name="camera", kind="camera", mac="", addresses=[f"{CAMERA}/24"])
    gateway = Host(name="gateway", kind="gateway", mac="", addresses=["192.168.7.1/24"])
    made = World(
        seed=1,
        kind="ddos",
        seconds=14,
        lan4="192.168.7.0/24",
        lan6=None,
        gateway=gateway,
        hosts=[hub, camera],
    )
    made.events.extend(events)
    return made


def event(attackers: list[str], victims: list[str]) -> Event:
    return Event(category=Category.DDOS, tool="syn", attackers=attackers, victims=victims)


def matched(attackers: list[str], victims: list[str], source: str, destination: str) -> bool:
    document: dict[str, Any] = {"attackers": frozenset(attackers), "victims": frozenset(victims)}
    return truth.matches(document, source, destination, frozenset({"10.0.0.1", "10.0.0.2"}))


def test_both_directions_belong_to_an_event() -> None:
    assert matched(["6.6.6.6"], ["10.0.0.1"], "6.6.6.6", "10.0.0.1")
    assert matched(["6.6.6.6"], ["10.0.0.1"], "10.0.0.1", "6.6.6.6")


def test_others_do_not_belong_to_an_event() -> None:
    assert not matched(["6.6.6.6"], ["10.0.0.1"], "6.6.6.6", "10.0.0.2")
    assert not matched(["6.6.6.6"], ["10.0.0.1"], "10.0.0.2", "10.0.0.1")


def test_any_source_is_everybody_but_the_bystanders() -> None:
    assert matched(["*"], ["10.0.0.1"], "1.2.3.4", "10.0.0.1")
    assert not matched(["*"], ["10.0.0.1"], "10.0.0.2", "10.0.0.1")


def test_every_packet_of_the_capture_is_read(flood: Path) -> None:
    rows = list(truth.packets(flood))
    assert len(rows) == len(crafted["syn_flood_spoofed"]())
    assert rows[0] == (float(EPOCH), HUB, CAMERA)
    assert rows == sorted(rows, key=lambda row: row[0])


def test_ipv6_addresses_are_read_and_other_frames_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "mixed.pcap"
    path.write_bytes(crafted["files"]()["ipv6-vlan-mixed.pcap"])
    pairs = {(source, destination) for _, source, destination in truth.packets(path)}
    assert ("2001:db8::10", "2001:db8::1") in pairs
    assert ("10.1.0.10", "10.1.0.1") in pairs


def test_a_capture_cut_in_a_packet_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(crafted["truncated"]())
    assert 10 < len(list(truth.packets(path))) < 90


def test_an_event_is_narrowed_to_its_packets(flood: Path) -> None:
    report = truth.report(world(event(["*"], [CAMERA])), EPOCH, flood, [])
    (found,) = report["events"]
    assert 5.0 <= found["start"] - EPOCH < 5.1
    assert 9.9 < found["end"] - EPOCH <= 10.1
    assert found["class"] == "DDoS"
    assert found["packets"] == sum(
        CAMERA in (source, destination) and HUB not in (source, destination)
        for _, source, destination in truth.packets(flood)
    )


def test_the_log_of_a_job_that_ended_early_wins_over_its_plan(flood: Path) -> None:
    line = {
        "host": "hub",
        "program": "flood",
        "event": 0,
        "start": EPOCH + 4.5,
        "end": EPOCH + 5.0,
        "trouble": None,
    }
    report = truth.report(world(event(["*"], [CAMERA])), EPOCH, flood, [line])
    assert report["events"][0]["end"] <= EPOCH + 8.0


def test_a_world_without_attack_is_told_as_benign_whatever_its_kind(flood: Path) -> None:
    harmless = Event(category=Category.BENIGN, tool="pages", attackers=["10.0.0.2"], victims=[CAMERA])
    assert truth.report(world(harmless), EPOCH, flood, [])["category"] == Category.BENIGN
    assert "category" not in truth.report(world(event(["*"], [CAMERA])), EPOCH, flood, [])


@pytest.mark.parametrize(("least", "told"), [(10.0, "DDoS"), (1000.0, truth.OTHER)])
def test_a_flood_that_did_not_come_about_is_of_no_class(flood: Path, least: float, told: str) -> None:
    planned = replace(event(["*"], [CAMERA]), least=least)
    (found,) = truth.report(world(planned), EPOCH, flood, [])["events"]
    assert 10.0 < found["packets"] / (found["end"] - found["start"]) < 1000.0
    assert found["class"] == told
    assert "least" not in found


def test_an_event_without_packets_is_listed_apart(flood: Path) -> None:
    report = truth.report(world(event(["6.6.6.6"], [CAMERA])), EPOCH, flood, [])
    assert report["events"] == []
    assert [silent["tool"] for silent in report["silent"]] == ["syn"]


def test_all_hosts_and_groups_of_the_world_are_bystanders(flood: Path) -> None:
    report = truth.report(world(event(["*"], [CAMERA])), EPOCH, flood, [])
    assert {"192.168.7.1", HUB, CAMERA, "192.168.7.255", "224.0.0.251"} <= set(report["bystanders"])


def test_whom_harmless_jobs_talk_to_is_a_bystander_too(flood: Path) -> None:
    made = world(event(["*"], [CAMERA]))
    made.hosts[1].jobs.append(
        Job(program="poll-http", start=0, seconds=9, params={"server": "5.5.5.5", "path": "/"})
    )
    made.hosts[0].jobs.append(
        Job(program="flood", start=0, seconds=9, event=0, params={"sources": ["6.6.6.6"], "target": CAMERA})
    )
    found = truth.report(made, EPOCH, flood, [])["bystanders"]
    assert "5.5.5.5" in found
    assert "6.6.6.6" not in found
    assert "/" not in found


def test_what_is_of_no_class_is_told_as_other_and_left_out_by_training(flood: Path, tmp_path: Path) -> None:
    guessing = Event(category=None, tool="guessing", attackers=[HUB], victims=[CAMERA])
    told = truth.report(world(guessing), EPOCH, flood, [])
    assert told["events"][0]["class"] == truth.OTHER
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(told))
    assert [row.label for row in read_events(path)] == [LEFT_OUT]
