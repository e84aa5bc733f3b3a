"""A daemon on one end of a cable, as its unit runs it, with alerts to a small disk and to a receiver.

Namespaces end with the run. The daemon holds CAP_NET_RAW and nothing else, and tells a service manager's
socket how it is.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tests import network
from tests.bench.live_daemon import PORT, START_SECS, Subject
from tests.bench.live_programs import WITH_PARENT, until
from tests.command import DETECT, bundle_option
from tests.listener import Listener, listening
from tests.soak.receiver import Receiver

WATCHED, PLUG = "watched", "plug"
"""The two ends of the cable."""

WATCHDOG_SECS = 10.0
"""As in the unit."""

_DISK_BYTES = 8 << 20
_RIGHTS = ["--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw"]


class Stage(NamedTuple):
    """What runs, and where its files are."""

    subject: Subject
    receiver: Receiver
    manager: Listener
    disk: Path
    config: Path
    log: Path

    def configure(self, *, changed: bool = False) -> None:
        """Write a configuration that is right; changed ones differ in what may change while it runs."""
        self.config.write_text(_config(self.disk, self.receiver.port, 6 if changed else 5))

    def alerts(self) -> tuple[list[dict[str, Any]], int]:
        """Return all alerts in files, and how many lines are none because the disk was full."""
        lines = [
            line for file in sorted(self.disk.glob("alerts*")) for line in file.read_bytes().splitlines()
        ]
        whole = [line for line in lines if line.endswith(b"}}")]
        return [orjson.loads(line) for line in whole], len(lines) - len(whole)


MAX_HOSTS = 768
"""Windows of each role: few, so that all are taken after some minutes and hosts displace one another from
then on. With the thousands that are usual a day brings new hosts to the end, and memory with them."""


def _config(disk: Path, port: int, update_secs: int) -> str:
    return (
        f'[output]\nalerts = "{disk}/alerts.json"\n'
        f"[incidents]\nclose_after_secs = 10\nupdate_interval_secs = {update_secs}\n"
        f'[webhook]\nurl = "http://127.0.0.1:{port}/"\n[metrics]\nport = {PORT}\n'
        f"[window]\nmax_hosts = {MAX_HOSTS}\n"
    )


@contextmanager
def stage(folder: Path, bundle: Path | None) -> Iterator[Stage]:
    """Run the daemon; it is killed at the end of the block if it still lives."""
    with ExitStack() as stack:
        stack.enter_context(network.own_namespace())
        network.cable(WATCHED, PLUG)
        disk = stack.enter_context(_disk(folder / "disk"))
        receiver = Receiver()
        stack.callback(receiver.close)
        manager = stack.enter_context(listening(folder))
        config, log = folder / "iotids.toml", folder / "stderr"
        config.write_text(_config(disk, receiver.port, 5))
        words = [*WITH_PARENT, *_RIGHTS, *DETECT, "--config", str(config), "--iface", WATCHED]
        surroundings = {
            **os.environ,
            "NOTIFY_SOCKET": manager.address,
            "WATCHDOG_USEC": f"{WATCHDOG_SECS * 1e6:.0f}",
            "PYTHONFAULTHANDLER": "1",
        }
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*words, *bundle_option(bundle)], stdout=errors, stderr=errors, env=surroundings
            )
        stack.callback(process.wait)
        stack.callback(process.kill)
        subject = Subject(process, folder)
        until(subject.up, START_SECS, "the daemon watches")
        yield Stage(subject, receiver, manager, disk, config, log)


@contextmanager
def _disk(path: Path) -> Iterator[Path]:
    """Give a small disk in memory."""
    path.mkdir()
    size = f"size={_DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(path)], check=True, timeout=10)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=10)
