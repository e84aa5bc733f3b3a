"""The examination: its scenes can be played, what is played is recorded, and marks are what they say."""

import os
import subprocess
from pathlib import Path

import pytest

from detector.records import Category
from tests.command import ATTACKS, PCAPS, QUIET
from tests.exam import home
from tests.exam.chores import DEVICES, GATEWAY, PUBLIC, one
from tests.exam.ground import StageError, missing
from tests.exam.judge import Opened, judged, mark
from tests.exam.scenarios import SCENARIOS, Play, Scenario
from tests.exam.scene import Scene
from tests.exam.scenes import SCENES
from tests.exam.stage import play
from tests.exam.visits import VISITS, Visit
from tests.network import skip_without_rights

KNOWN = {"server": "10.0.0.1", "client": "10.0.0.2", "net": "10.0.0", "work": "/nowhere", "last": "7"}
KNOWN |= {"server6": "fd77::1", "card": "02:00:00:00:00:01"}
KNOWN_AT_HOME = {"hub": "10.0.0.19", "gateway": "10.0.0.1", "net": "10.0.0", "far": "198.51.100"}
KNOWN_AT_HOME |= {"work": "/nowhere", "last": "7", "turn": "0"}
PING = Scenario(
    name="three-pings",
    category=Category.BENIGN,
    plays=(Play(("ping", "-q", "-c", "3", "-i", "0.2", "-I", "{net}.{last}", "{server}"), from_all=True),),
    sources=range(60, 62),
)
PING_AT_HOME = Visit(
    name="three-pings-at-home",
    category=Category.BENIGN,
    chores=(one(17, "ping -q -c 3 -i 0.2 {hub}"),),
    servers=(one(19, "mosquitto -c {work}/mosquitto.conf"),),
    life=(
        one(14, "ping -i 0.5 {gateway}"),
        one(12, "ping -i 0.5 {far}.20"),
        one(10, "mosquitto_pub -h {hub} -t home/th -m 21.5 --repeat 9 --repeat-delay 0.5"),
    ),
    warm_up_secs=1.5,
    secs=2.0,
)


def packets(capture: Path, which: str) -> str:
    words = ["tcpdump", "-n", "-r", str(capture), which]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def namespaces_left() -> list[str]:
    found = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if f"iotids-exam-{os.getpid()}-" in line]


def test_scenes_have_names_of_their_own() -> None:
    names = [each.name for each in SCENES]
    assert len(set(names)) == len(names)
    assert all(each.name.startswith("house-") for each in VISITS)


@pytest.mark.parametrize("scenes", [SCENARIOS, VISITS], ids=["scenarios", "visits"])
def test_scenes_are_of_every_class(scenes: tuple[Scene, ...]) -> None:
    assert {each.category for each in scenes} == set(Category)
    quiet = [each for each in scenes if each.category is Category.BENIGN]
    assert len(quiet) * 2 < len(scenes) + 10


@pytest.mark.parametrize("scene", SCENES, ids=lambda each: each.name)
def test_every_word_of_a_scene_can_be_filled_in(scene: Scene) -> None:
    known = KNOWN_AT_HOME if isinstance(scene, Visit) else KNOWN
    for words in scene.commands:
        assert words
        assert "{" not in "".join(word.format(**known) for word in words)


@pytest.mark.parametrize("visit", VISITS, ids=lambda each: each.name)
def test_what_is_done_in_a_house_is_done_at_a_place_that_is_there(visit: Visit) -> None:
    assert {each.place for each in visit.chores} <= {GATEWAY, PUBLIC, *map(str, DEVICES)}


def test_a_mark_asks_for_a_certain_opening_of_the_right_class() -> None:
    scan = next(each for each in SCENARIOS if each.category is Category.RECON)
    quiet = next(each for each in SCENARIOS if each.category is Category.BENIGN)
    right, unsure, wrong = (
        Opened(name, certain, "10.0.0.2", 1.5)
        for name, certain in (("Recon", True), ("Recon", False), ("DoS", True))
    )
    assert judged(scan, (wrong, right)).secs == 1.5
    assert judged(scan, (wrong, right)).right
    assert not judged(scan, (unsure, wrong)).right
    assert judged(quiet, (unsure,)).right
    assert not judged(quiet, (wrong,)).right


def test_captures_that_ship_get_the_marks_that_they_deserve() -> None:
    played = [
        (Scenario(name=name, category=Category(kind), plays=()), PCAPS / name)
        for name, kind in (*ATTACKS.items(), *((name, "Benign") for name in QUIET))
    ]
    assert [each.name for each in mark(played) if not each.right] == []


def test_what_is_played_is_recorded_and_nothing_stays(tmp_path: Path) -> None:
    skip_without_rights("ethtool", "tcpdump", "ping")
    play(PING, tmp_path / "ping.pcap", 190)
    told = packets(tmp_path / "ping.pcap", "icmp")
    for source in (60, 61):
        assert told.count(f"IP 10.77.200.{source} > 10.77.200.10: ICMP echo request") == 3
    assert namespaces_left() == []


def test_a_house_has_a_life_beside_what_is_played_and_nothing_stays(tmp_path: Path) -> None:
    skip_without_rights(*missing([PING_AT_HOME]))
    home.play(PING_AT_HOME, tmp_path / "ping.pcap", 192)
    told = packets(tmp_path / "ping.pcap", "ip")
    assert told.count("IP 10.60.202.17 > 10.60.202.19: ICMP echo request") == 3
    assert told.count("IP 10.60.202.19 > 10.60.202.17: ICMP echo reply") == 3
    for sign in (
        "IP 10.60.202.14 > 10.60.202.1: ICMP echo request",
        "> 10.60.202.19.1883: Flags [P.]",
        "IP 198.51.100.20 > 10.60.202.12: ICMP echo reply",
    ):
        assert sign in told
    assert namespaces_left() == []


def test_a_stage_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    skip_without_rights("ethtool", "tcpdump")
    broken = Scenario(name="broken", category=Category.BENIGN, plays=(), served=range(300, 301))
    with pytest.raises(StageError, match=r"addr add 10\.77\.201\.300"):
        play(broken, tmp_path / "none.pcap", 191)
    assert not (tmp_path / "none.pcap").exists()


def test_a_house_that_cannot_be_made_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_rights(*missing([PING_AT_HOME]))
    monkeypatch.setattr(home, "_FAR", "198.51.300")
    with pytest.raises(StageError, match=r"addr add 198\.51\.300\.1"):
        home.play(PING_AT_HOME, tmp_path / "none.pcap", 193)
    assert list(tmp_path.iterdir()) == []
    assert namespaces_left() == []


def test_programs_that_are_not_there_are_named() -> None:
    absent = Scenario(name="absent", category=Category.BENIGN, plays=(Play(("no-such-program",)),))
    absent_at_home = Visit(name="absent", category=Category.BENIGN, chores=(one(10, "no-such-visitor"),))
    assert {"no-such-program", "no-such-visitor"} <= set(missing([absent, absent_at_home]))
