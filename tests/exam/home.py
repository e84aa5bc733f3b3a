"""A house: a gateway that records its bridge, ten devices on it, and a public network behind the gateway.

Ordinary life goes on beside what is played. The public network has many addresses, and is some way off if
the kernel has `netem`, next door if not. Everything is in namespaces of its own and ends with the visit.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tests.exam.chores import ADDRESSES, DEVICES, GATEWAY, PUBLIC, Chore
from tests.exam.ground import (
    StageError,
    filled,
    furnish,
    inside,
    ip,
    keep,
    namespaces,
    recording,
    running,
    unmerged,
)
from tests.exam.visits import Visit

_SETTLE_SECS = 1.5
_RECORDER_SECS = 1.0
_LOOK_SECS = 0.5
_IMAGE_BYTES = 6_000_000
_FAR = "198.51.100"
_FAR_GATEWAY = f"{_FAR}.254"
_DISTANCE = ("netem", "delay", "12ms", "3ms", "limit", "20000")
_HUB = DEVICES[-1]
_KEY = "-----BEGIN OpenVPN Static key V1-----\n{}\n-----END OpenVPN Static key V1-----\n"


@dataclass(frozen=True, slots=True)
class _House:
    namespaces: dict[str, str]
    known: dict[str, str]
    work: Path


def play(visit: Visit, capture: Path, number: int) -> None:
    """Play one visit and record it.

    Raises:
        StageError: the namespaces cannot be made.
    """
    net = f"10.60.{number % 200 + 10}"
    known = {"net": net, "gateway": f"{net}.1", "hub": f"{net}.{_HUB}", "far": _FAR}
    with tempfile.TemporaryDirectory(prefix="iotids-exam-") as folder, ExitStack() as ends:
        work = Path(folder)
        furnish(work, _IMAGE_BYTES)
        (work / "vpn.key").write_text(_KEY.format("\n".join(os.urandom(16).hex() for _ in range(16))))
        places = ends.enter_context(_network(number, net))
        house = _House(places, {**known, "work": folder}, work)
        for each in visit.servers:
            ends.enter_context(running(places[each.place], filled(each.words, house.known), work))
        time.sleep(_SETTLE_SECS)
        scratch = work / "capture.pcap"
        recorder = ends.enter_context(recording(places[GATEWAY], "br0", scratch))
        time.sleep(_RECORDER_SECS)
        ends.enter_context(_going_on(house, visit.life))
        time.sleep(visit.warm_up_secs)
        ends.enter_context(_going_on(house, visit.chores))
        time.sleep(visit.secs)
        keep(recorder, scratch, capture)  # before anything is ended, so that no end is in it


@contextmanager
def _network(number: int, net: str) -> Iterator[dict[str, str]]:
    """Make the namespaces of a house; yields their names by place."""
    places = (GATEWAY, PUBLIC, *map(str, DEVICES))
    with namespaces(number, *places) as names:
        for name in names:
            inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.icmp_ratelimit=0")
        gateway, public, *devices = names
        ip("-n", gateway, "link", "add", "br0", "type", "bridge")
        ip("-n", gateway, "link", "set", "br0", "up")
        ip("-n", gateway, "addr", "add", f"{net}.1/24", "dev", "br0")
        inside(gateway, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for last, device in zip(DEVICES, devices, strict=True):
            _cable(gateway, f"p{last}", device, [f"{net}.{last}/24"], f"{net}.1")
            ip("-n", gateway, "link", "set", f"p{last}", "master", "br0")
            unmerged(gateway, f"p{last}")
        _cable(gateway, "public", public, [f"{_FAR}.{last}/24" for last in ADDRESSES], _FAR_GATEWAY)
        ip("-n", gateway, "addr", "add", f"{_FAR_GATEWAY}/24", "dev", "public")
        with suppress(StageError):  # not every kernel can delay
            inside(public, "tc", "qdisc", "add", "dev", "eth0", "root", *_DISTANCE)
        yield dict(zip(places, names, strict=True))


def _cable(gateway: str, port: str, machine: str, addresses: Sequence[str], route: str) -> None:
    """Lay a cable between the gateway and a machine with these addresses."""
    ip("-n", gateway, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", machine)
    ip("-n", gateway, "link", "set", port, "up")
    for address in addresses:
        ip("-n", machine, "addr", "add", address, "dev", "eth0")
    ip("-n", machine, "link", "set", "eth0", "up")
    ip("-n", machine, "route", "add", "default", "via", route)
    unmerged(machine, "eth0")


@contextmanager
def _going_on(house: _House, chores: Sequence[Chore]) -> Iterator[None]:
    """Begin all chores at once, and have them done until the end of the block."""
    over = Event()
    with ThreadPoolExecutor(max(1, len(chores))) as pool:
        done = [pool.submit(_repeat, house, each, over) for each in chores]
        try:
            yield
        finally:
            over.set()
    for each in done:
        each.result()


def _repeat(house: _House, chore: Chore, over: Event) -> None:
    """Do a chore as often as it is to be done, or until it is over."""
    over.wait(chore.after)
    for turn in range(chore.times):
        if over.is_set():
            return
        known = {**house.known, "last": str(chore.last), "turn": str(turn)}
        with running(house.namespaces[chore.place], filled(chore.words, known), house.work) as process:
            _wait(process, over)
        over.wait(chore.pause)


def _wait(process: subprocess.Popen[bytes], over: Event) -> None:
    while not over.is_set():
        try:
            process.wait(_LOOK_SECS)
        except subprocess.TimeoutExpired:
            continue
        return
