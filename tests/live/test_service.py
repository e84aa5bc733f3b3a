"""The daemon and a service manager: what it says, when, and what it says no more. Needs root."""

import re
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.listener import listening
from tests.live.watching import watching
from tests.network import cable, ip, plug, until
from tests.traffic import SYN, datagram, segment

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]
FRAME = datagram(0, "10.0.0.1", "10.0.0.2", (40_000, 53), b"x" * 20).data


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_ready_then_signs_of_life_and_live_figures_then_the_end(
    abstract: bool,  # noqa: FBT001
    rule_bundle: Path,
    tmp_path: Path,
) -> None:
    cable("in0", "out0")
    with (
        listening(tmp_path, abstract=abstract) as manager,
        watching(
            rule_bundle, tmp_path, "in0", NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="6000000"
        ) as watch,
        plug("out0") as send,
    ):
        until(lambda: manager.count("READY=1") == 1, 5)
        until(lambda: manager.count("WATCHDOG=1") >= 4, 6)
        beats = [at for at, line in zip(manager.at, manager.heard, strict=True) if line == "WATCHDOG=1"]
        assert max(later - earlier for earlier, later in pairwise(beats)) < 6  # the watchdog
        for port in range(1, 601):
            send(segment(0, "10.0.0.66", "10.0.0.5", (40_000, port), SYN).data)
            if port % 50 == 0:
                time.sleep(0.02)
        until(lambda: bool(watch.events()), 5)
        shown = manager.wait_for("STATUS=", 3)
        assert re.fullmatch(
            r"STATUS=[\d,]+ packets/s, [\d,]+ flows, 1 incidents open, 0 lost; in0 up", shown
        ), shown
        assert any(re.match(r"STATUS=[1-9]", line) for line in manager.heard)
        done, secs = watch.stop()
        assert (done.code, secs < 3, manager.count("READY=1")) == (0, True, 1)
        assert manager.listen()[-1] == "STOPPING=1"


def test_ready_comes_only_after_the_captures_are_open(rule_bundle: Path, tmp_path: Path) -> None:
    with listening(tmp_path) as manager:
        with (
            pytest.raises(AssertionError, match="no such interface"),
            watching(rule_bundle, tmp_path, "in9", NOTIFY_SOCKET=manager.address),
        ):
            pass
        assert manager.listen() == []


def test_a_process_that_stands_still_gives_no_sign_of_life(rule_bundle: Path, tmp_path: Path) -> None:
    cable("in0", "out0")
    with (
        listening(tmp_path) as manager,
        watching(
            rule_bundle, tmp_path, "in0", NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="6000000"
        ) as watch,
    ):
        manager.wait_for("WATCHDOG=1", 5)
        watch.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        before = manager.count("WATCHDOG=1")
        time.sleep(2)
        assert manager.count("WATCHDOG=1") == before
        watch.process.send_signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1", 5)
        assert watch.stop()[0].code == 0


FAULTS = {
    "down": (("link set in0 down",), ("link set in0 up",)),
    "without carrier": (("link set out0 down",), ("link set out0 up",)),
    "renamed": (
        ("link set in0 down", "link set in0 name in7", "link set in7 up"),
        ("link set in7 down", "link set in7 name in0", "link set in0 up"),
    ),
    "gone": (
        ("link del in0",),
        ("link add in0 type veth peer name out0", "link set in0 up", "link set out0 up"),
    ),
}
"""What is done to the interface, and undone. Of the first three libpcap says nothing."""
UP, PACKETS = 'iotids_capture_up{iface="in0"}', 'iotids_packets_total{iface="in0"}'


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_interface_is_seen_within_five_seconds_and_healed(
    fault: str, rule_bundle: Path, tmp_path: Path
) -> None:
    cable("in0", "out0")
    cable("in1", "out1")
    break_it, mend_it = FAULTS[fault]
    state = "gone" if fault == "renamed" else fault
    with (
        listening(tmp_path) as manager,
        watching(rule_bundle, tmp_path, "in0", "in1", NOTIFY_SOCKET=manager.address) as watch,
    ):
        for words in break_it:
            ip(words)
        broken_at = time.monotonic()
        until(lambda: watch.value(UP) == 0, 5)
        until(lambda: f"; in0 {state}, in1 up" in manager.wait_for("STATUS=", 3), 5)
        assert time.monotonic() - broken_at < 5
        for words in mend_it:
            ip(words)
        until(lambda: watch.value(UP) == 1, 5)
        with plug("out0") as send:
            send(FRAME)
        until(lambda: watch.value(PACKETS) == 1, 5)
        assert watch.value('iotids_capture_up{iface="in1"}') == 1
        reopened = fault in {"renamed", "gone"}
        assert watch.value('iotids_restarts_total{reason="capture"}') == reopened
        done, _ = watch.stop()
    told = done.err.decode()
    assert done.code == 0
    assert told.count("Capture lost: in0: ") == reopened
    assert told.count(f"in0 is {fault}: nothing can be seen on it.") == (not reopened)
    assert told.count("in0 is seen again") == 1


def test_an_interface_that_brings_nothing_is_called_silent(rule_bundle: Path, tmp_path: Path) -> None:
    cable("in0", "out0")
    config = tmp_path / "iotids.toml"
    config.write_text("[capture]\nsilent_after_secs = 2.0\n")
    with (
        listening(tmp_path) as manager,
        watching(rule_bundle, tmp_path, "in0", config=config, NOTIFY_SOCKET=manager.address) as watch,
    ):
        until(lambda: "in0 silent for" in manager.wait_for("STATUS=", 5), 6)
        with plug("out0") as send:
            send(FRAME)
        until(lambda: manager.wait_for("STATUS=", 5).endswith("in0 up"), 5)
        done, _ = watch.stop()
    assert done.err.count(b"in0 has brought no packet for 2 s") == 1
