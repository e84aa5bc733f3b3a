"""The daemon goes on while its outputs fail, and keeps the alerts for them. Needs root."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.test_watch import flood
from tests.live.watching import Watching, watching
from tests.network import cable, until

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs the right to mount: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def alerts(watch: Watching) -> float:
    return watch.value('iotids_alerts_total{category="DoS",severity="1"}')


def test_a_full_disk_is_noticed_and_gets_its_alerts_later(rule_bundle: Path, small_disk: Path) -> None:
    cable("in0", "out0")
    filler = small_disk / "filler"
    with watching(rule_bundle, small_disk, "in0") as watch:
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(1 << 20))
        with flood("out0", 2_000_000):
            until(lambda: alerts(watch) >= 1, 20)
            secs = until(lambda: watch.value('iotids_sink_up{sink="file"}') == 0, 10)
        assert secs < 5
        assert watch.value('iotids_sink_errors_total{sink="file"}') >= 1
        assert watch.value('iotids_queue_length{queue="sink_file"}') >= 1
        assert watch.events() == []
        filler.unlink()
        until(lambda: bool(watch.events()), 10)
        until(lambda: watch.value('iotids_sink_up{sink="file"}') == 1, 3)
        done, secs = watch.stop()
        assert (done.code, secs < 3) == (0, True)
        states = [event["iotids"]["state"] for event in watch.events()]
    assert (states[0], states[-1]) == ("open", "close")
    assert b"No space left on device" in done.err
    assert b"takes alerts again" in done.err


def test_a_full_disk_does_not_hold_up_a_stop(rule_bundle: Path, small_disk: Path) -> None:
    cable("in0", "out0")
    with watching(rule_bundle, small_disk, "in0") as watch:
        with pytest.raises(OSError, match="No space"):
            (small_disk / "filler").write_bytes(bytes(1 << 20))
        with flood("out0", 2_000_000):
            until(lambda: alerts(watch) >= 1, 20)
        done, secs = watch.stop(signal.SIGTERM)
        assert done.code == 0
        assert secs < 4
        assert b"The sink file is left with" in done.err
