"""The first process of a world's namespaces: builds it, lets it live, records it, writes the truth.

Run by `run` as `python -m train.lab.play WORLD.json CAPTURE.pcap TRUTH.json`.
"""

import asyncio
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from train.lab import attacks, network, programs, tools, truth
from train.lab.actor import Actor
from train.lab.plan import Host, World
from train.lab.relay import Relay

_SCRATCH = Path("/run")
"""A tmpfs is laid over it inside the mount namespace, for certificates, logs and downloads."""
REGISTERED = (programs, attacks)
"""Imported for what they enter in the registry."""

_SETTLE_SECONDS = 0.6
_LINGER_SECONDS = 0.3


def main(world_path: str, capture_path: str, truth_path: str) -> None:
    """Play one world."""
    world = World.from_json(json.loads(Path(world_path).read_text(encoding="utf-8")))
    _mount_scratch()
    programs.prepare(_SCRATCH)
    hosts = [_start_host(world, host) for host in world.everyone]
    network.set_up_switch(world, [pid for pid, _, _ in hosts])
    _start_relay(world)
    for _, _, go in hosts:
        os.write(go, b"c")  # the cable is in: configure
    for host, (_, ready, _) in zip(world.everyone, hosts, strict=True):
        if os.read(ready, 1) != b"r":
            raise OSError(f"{host.name} could not be set up")
    with open(capture_path, "wb") as capture, _recording(world, capture):  # noqa: PTH123
        origin = time.time() + _SETTLE_SECONDS
        for _, _, go in hosts:
            os.write(go, struct.pack("<d", origin))
        time.sleep(_SETTLE_SECONDS + world.seconds + _LINGER_SECONDS)
    for pid, _, _ in hosts:
        os.kill(pid, signal.SIGKILL)
    report = truth.report(world, origin, Path(capture_path), _logs())
    Path(truth_path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _mount_scratch() -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(_SCRATCH)], check=True)  # noqa: S603, S607


def _start_host(world: World, host: Host) -> tuple[int, int, int]:
    pid, ready, go = network.fork_host()
    if pid:
        return pid, ready, go
    try:
        os.read(go, 1)
        network.set_up_host(world, host)
        os.write(ready, b"r")
        (origin,) = struct.unpack("<d", os.read(go, 8))
        asyncio.run(Actor(host, world.seed, origin, str(_SCRATCH)).run())
    except BaseException:  # noqa: BLE001 - a forked child must never return into the parent's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _start_relay(world: World) -> None:
    impaired = [(index, host) for index, host in enumerate(world.everyone) if host.link.impaired]
    if not impaired or os.fork():
        return
    try:
        relay = Relay(world.seed)
        for index, host in impaired:
            relay.connect(f"p{index}", f"q{index}", host.link)
        relay.run()
    finally:
        os._exit(1)


@contextlib.contextmanager
def _recording(world: World, capture: BinaryIO) -> Iterator[None]:
    """Capture on the switch: its own interface in promiscuous mode sees each forwarded frame once."""
    argv = [str(tools.find("tcpdump")), "-i", network.LAN, "-n", "-U", "-w", "-", "-Z", "root"]
    argv += ["-s", str(world.snap_bytes), "-c", str(world.max_packets), "-B", "32768"]
    argv += [" and ".join(f"not ether src {mac}" for mac in world.unseen)]
    with subprocess.Popen(argv, stdout=capture, stderr=subprocess.PIPE) as process:  # noqa: S603
        while process.stderr and b"listening on" not in (line := process.stderr.readline()):
            if not line:
                raise OSError("tcpdump did not start on the switch")
        yield
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=5)
        process.kill()


def _logs() -> list[truth.LogLine]:
    lines: list[truth.LogLine] = []
    for path in sorted(_SCRATCH.glob("*.log")):
        lines += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return lines


if __name__ == "__main__":
    main(*sys.argv[1:])
