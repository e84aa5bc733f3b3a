"""The protocol of sd_notify(3), against a real socket, and against the library's own sender."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from detector.notify import Notifier
from tests.listener import listening


@pytest.mark.parametrize("abstract", [False, True])
def test_every_message_arrives_as_the_protocol_wants_it(abstract: bool, tmp_path: Path) -> None:  # noqa: FBT001
    with listening(tmp_path, abstract=abstract) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "6000000"})
        notifier.ready()
        notifier.status("12 packets/s\nREADY=0")
        notifier.beat()
        before = time.monotonic_ns() // 1000
        notifier.reloading()
        notifier.stopping()
        heard = manager.listen()
        notifier.close()
        notifier.ready()  # to nobody
        assert manager.listen() == heard
    stamp = int(heard.pop(4).removeprefix("MONOTONIC_USEC="))
    assert before <= stamp <= time.monotonic_ns() // 1000
    assert heard == ["READY=1", "STATUS=12 packets/s READY=0", "WATCHDOG=1", "RELOADING=1", "STOPPING=1"]


def test_the_library_says_the_same(tmp_path: Path) -> None:
    if shutil.which("systemd-notify") is None:
        pytest.skip("needs the program systemd-notify")
    with listening(tmp_path) as manager:
        environment = {**os.environ, "NOTIFY_SOCKET": manager.address}
        words = ["systemd-notify", "--no-block", "--ready", "--status=all well"]
        subprocess.run(words, env=environment, check=True, timeout=20)
        theirs = set(manager.listen()) & {"READY=1", "STATUS=all well"}
        notifier = Notifier(environment)
        notifier.ready()
        notifier.status("all well")
        assert set(manager.listen()[-2:]) == theirs == {"READY=1", "STATUS=all well"}
        notifier.close()


@pytest.mark.parametrize("named", ["", "vsock:2:1234", "relative"])
def test_without_a_manager_it_says_nothing(named: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": named, "WATCHDOG_USEC": "6000000"})
    notifier.ready()
    notifier.beat()
    assert notifier.watchdog_secs is None
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "secs"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_if_it_waits_for_us(
    environment: dict[str, str], secs: float | None, tmp_path: Path
) -> None:
    with listening(tmp_path) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": manager.address, **environment})
        notifier.beat()
        assert notifier.watchdog_secs == secs
        assert manager.listen() == ([] if secs is None else ["WATCHDOG=1"])
        notifier.close()


def test_a_manager_that_does_not_read_holds_nothing_up_and_hears_of_the_start_later(tmp_path: Path) -> None:
    with listening(tmp_path) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": manager.address})
        started = time.monotonic()
        for number in range(100_000):
            notifier.status(f"{number} packets/s")
        notifier.ready()
        assert time.monotonic() - started < 20
        assert 0 < len(manager.listen()) < 100_000
        assert "READY=1" not in manager.heard
        notifier.status("at last")
        assert manager.listen()[-2:] == ["READY=1", "STATUS=at last"]
        notifier.close()


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": f"{tmp_path}/nobody"})
    notifier.ready()
    notifier.stopping()
    notifier.close()
