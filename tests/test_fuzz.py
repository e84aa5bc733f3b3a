"""Every parser of ours takes hostile input or refuses it in a line; `python -m tests.fuzz` runs longer."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.command import SCAN, lines, start
from tests.fuzz.__main__ import feed, shares
from tests.fuzz.inputs import changed, edited, small_captures, with_hostile_packets
from tests.fuzz.metering import ROOT, MeterDiedError, Metering
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_taken_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    if name in {"truth", "captures"}:
        pytest.importorskip("train.corpus", reason="needs the train extra")
    target = TARGETS[name](tmp_path)
    inputs = 3_000 if name == "packet" else 300
    try:
        fed = feed(target, inputs, 1, variants=5)
    finally:
        target.close()
    assert inputs <= fed.inputs < inputs + 10
    assert 0 < fed.refused < fed.inputs  # both happened, or the inputs would say little


def test_a_parser_that_is_not_fit_for_an_input_is_found() -> None:
    def run(content: bytes) -> bool:
        if content.count(b"\xff") > 2:
            raise KeyError("a defect")
        return False

    with pytest.raises(KeyError, match="a defect") as caught:
        feed(Target(changed([b"abc"]), run), 5_000, 1)
    assert "input: b'" in caught.value.__notes__[0]


def test_changes_change() -> None:
    seen: set[bytes] = set()

    def run(content: bytes) -> bool:
        seen.add(content)
        return True

    fed = feed(Target(edited({"a": [1, {"b": 2}]}).map(repr).map(str.encode), run), 50, 1)
    assert fed == (50, 50)
    assert len(seen) > 20
    assert all(24 < len(capture) < 40_000 for capture in small_captures())


def test_most_inputs_are_captures_and_none_is_left_out() -> None:
    shared = shares(1_000_000, list(TARGETS))
    assert shared["packet"] == 400_000
    assert set(shared.values()) == {100_000, 400_000}
    assert shares(7, ["config", "check"]) == {"config": 4, "check": 4}


def test_the_command_feeds_what_it_was_asked_for() -> None:
    words = [sys.executable, "-m", "tests.fuzz", "--inputs", "1100", "--target", "packet", "--variants", "5"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\n1,1\d\d inputs, 0 parsers failed\n$", done.stderr)
    assert "Traceback" not in done.stderr  # the child had all of them before its folder went


def test_a_capture_with_hostile_packets_is_read_to_its_end(tmp_path: Path) -> None:
    metering, good, random = Metering(tmp_path), small_captures(), Random(1)
    made = {with_hostile_packets(good, random) for _ in range(50)}
    assert len(made) == 50
    assert not made & set(good)
    assert {metering.feed(capture) for capture in made} == {"."}
    assert metering.close() == 0


def test_a_child_that_dies_is_noticed_and_replaced(tmp_path: Path) -> None:
    metering = Metering(tmp_path)
    good = small_captures()[0]
    assert metering.feed(good) == "."
    os.kill(metering._child.pid, signal.SIGSEGV)
    metering._child.wait()
    with pytest.raises(MeterDiedError, match=r"exit code -11: .*killer-"):
        metering.feed(good)
    assert [path.read_bytes() for path in tmp_path.glob("killer-*")] == [good]
    assert metering.feed(b"no capture") == "r"
    assert metering.feed(good) == "."
    assert metering.close() == 0


def test_whatever_comes_after_an_attack_its_alerts_are_kept(rule_bundle: Path, tmp_path: Path) -> None:
    """The process may die of a capture, but not with an alert that was raised before it."""
    files: list[Path] = []

    @seed(7)
    @settings(
        max_examples=60, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(changed(small_captures()))
    def write(content: bytes) -> None:
        files.append(tmp_path / f"{len(files)}.pcap")
        files[-1].write_bytes(content)

    write()
    alerts = tmp_path / "alerts.jsonl"
    process = start("--bundle", rule_bundle, "--alerts", alerts, "--pcap", SCAN, *files, stderr=-1, stdout=-1)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in {0, 3}
    assert errors.count(b"\n") <= 1
    states = [event["iotids"]["state"] for event in lines(alerts.read_bytes())]
    assert states[:2] == ["open", "close"]
