"""Programs and hosts of a measurement: bounded in time, and gone when the measurement is, however it ends."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests import network

WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]
"""Before a command: the kernel ends it when its parent goes, even by SIGKILL."""

Words = Sequence[str]


class MeasureError(Exception):
    """A measurement came to nothing."""


class WaitedTooLongError(MeasureError):
    """Something did not happen in its time."""


def bounded(words: Words, secs: float) -> list[str]:
    """Return a command that ends after `secs`, or with its parent, and all that it started with it."""
    family = ["unshare", "--pid", "--fork", "--kill-child"]
    return [*WITH_PARENT, "timeout", "-s", "KILL", str(secs), *WITH_PARENT, *family, *words]


def spawn(words: Words, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own: the kernel shares processors out by session (autogroup), so
    that sender and daemon take nothing from each other before they must."""
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
    )
    with suppress(OSError):
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        Path(f"/proc/{process.pid}/autogroup").write_text(str(niceness))
    return process


@contextmanager
def running(
    words: Words, *, stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block, in silence if not told otherwise."""
    process = spawn(words, stdout, stderr)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], bool], secs: float, what: str) -> float:
    """Wait for something to become true; return how long that took.

    Raises:
        WaitedTooLongError: it was not true within `secs`.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > secs:
            raise WaitedTooLongError(f"{what}: not within {secs:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


class Counts(NamedTuple):
    """What an interface says of itself, in packets."""

    rx: int
    rx_dropped: int
    tx: int
    tx_dropped: int

    def since(self, before: "Counts") -> "Counts":
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


def counts(interface: str) -> Counts:
    """Return the counters of an interface of the present namespace."""
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == interface:
            fields = [int(field) for field in rest.split()]
            return Counts(fields[1], fields[3], fields[9], fields[11])
    raise ValueError(f"no interface {interface}")


class Host(NamedTuple):
    """A network namespace with one cable that leads out of it."""

    name: str
    address: str
    mac: str
    inside: list[str]
    """The words that run a program there."""


@contextmanager
def host(name: str, address: str, bridge: str) -> Iterator[Host]:
    """Make a host with an address (with its prefix) and plug it into a bridge."""
    with running([*WITH_PARENT, "unshare", "--net", "sleep", "600"]) as process:
        own, theirs = Path("/proc/thread-self/ns/net").readlink(), Path(f"/proc/{process.pid}/ns/net")
        until(lambda: theirs.readlink() != own, 10, f"the namespace of {name}")
        network.cable(f"to-{name}", f"at-{name}")
        network.ip(f"link set to-{name} master {bridge}")
        network.ip(f"link set at-{name} netns {process.pid}")
        inside = ["nsenter", f"--net=/proc/{process.pid}/ns/net"]
        for words in (f"addr add {address} dev at-{name}", f"link set at-{name} up", "link set lo up"):
            subprocess.run([*inside, "ip", *words.split()], check=True, timeout=10)
        shown = [*inside, "ip", "-br", "link", "show", "dev", f"at-{name}"]
        mac = subprocess.run(shown, check=True, capture_output=True, text=True, timeout=10).stdout.split()[2]
        yield Host(name, address.partition("/")[0], mac, inside)
