"""The examination: its scenarios can be played, what is played is recorded, and marks are what they say."""

import subprocess
from pathlib import Path

import pytest

from detector.records import Category
from tests.command import ATTACKS, PCAPS, QUIET
from tests.exam.judge import Opened, judged, mark
from tests.exam.scenarios import SCENARIOS, Play, Scenario
from tests.exam.stage import StageError, missing, play
from tests.network import skip_without_rights

KNOWN = {"server": "10.0.0.1", "client": "10.0.0.2", "net": "10.0.0", "work": "/nowhere", "last": "7"}
KNOWN |= {"server6": "fd77::1", "card": "02:00:00:00:00:01"}
PING = Scenario(
    name="three-pings",
    category=Category.BENIGN,
    plays=(Play(("ping", "-q", "-c", "3", "-i", "0.2", "-I", "{net}.{last}", "{server}"), from_all=True),),
    sources=range(60, 62),
)


def test_scenarios_have_names_of_their_own_and_are_of_every_class() -> None:
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)
    assert {each.category for each in SCENARIOS} == set(Category)
    quiet = [each for each in SCENARIOS if each.category is Category.BENIGN]
    assert len(quiet) * 2 < len(SCENARIOS) + 10


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_every_word_of_a_scenario_can_be_filled_in(scenario: Scenario) -> None:
    for each in (*scenario.servers, *scenario.plays):
        assert each.words
        assert "{" not in "".join(word.format(**KNOWN) for word in each.words)


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
    told = subprocess.run(
        ["tcpdump", "-n", "-r", tmp_path / "ping.pcap", "icmp"], capture_output=True, text=True, check=True
    ).stdout
    for source in (60, 61):
        assert told.count(f"IP 10.77.200.{source} > 10.77.200.10: ICMP echo request") == 3
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert "iotids-exam" not in left


def test_a_stage_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    skip_without_rights("ethtool", "tcpdump")
    broken = Scenario(name="broken", category=Category.BENIGN, plays=(), served=range(300, 301))
    with pytest.raises(StageError, match=r"addr add 10\.77\.201\.300"):
        play(broken, tmp_path / "none.pcap", 191)
    assert not (tmp_path / "none.pcap").exists()


def test_programs_that_are_not_there_are_named() -> None:
    absent = Scenario(name="absent", category=Category.BENIGN, plays=(Play(("no-such-program",)),))
    assert "no-such-program" in missing([absent])
