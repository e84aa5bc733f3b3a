"""Sends made packets out of an interface, at a rate: `python -m tests.bench.live_sender IFACE SCENE`.

Whole batches go to the kernel in one call (`sendmmsg` on a packet socket), paced by the clock; a sender that
fell behind catches up. It ends by itself: after so many packets, so many seconds, or with its parent where
that started it through `live_programs.bounded`. Prints a line of JSON when it begins and one at the end.
"""

import argparse
import ctypes
import errno
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.bench.live_frames import SCENES, Scene

BATCH = 256
"""Packets given to the kernel in one call, at most."""

NAP_SECS = 0.0005
"""Slept when no packet is due: at 300,000 packets/s, 150 are due after it."""

MAX_SECS, MAX_PACKETS = 60.0, 60_000_000
"""No run is longer, whatever the command line says."""

NOBODY_MAC = "02:00:00:00:00:fe"
"""The address of no interface: the kernel hands such frames to whoever watches and then forgets them."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
_PIECE = np.dtype([("base", "u8"), ("size", "u8")])
_MESSAGE = np.dtype(
    [
        *(("name", "u8"), ("name_size", "u8"), ("pieces", "u8"), ("piece_count", "u8")),
        *(("control", "u8"), ("control_size", "u8"), ("flags", "u8"), ("sent", "u8")),
    ]
)
"""`struct iovec`, and `struct mmsghdr` with its padding."""


class Sent(NamedTuple):
    """What went out."""

    packets: int
    secs: float
    refused: int
    """Calls that the kernel refused because a queue was full; their packets were sent again."""


class Wire:
    """An interface that takes a scene's frames, without copying them first."""

    def __init__(self, interface: str, scene: Scene | None = None) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))
        if scene is not None:
            self.load(scene)

    def load(self, scene: Scene) -> None:
        """Take the frames that are to be sent from now on."""
        count, slot = len(scene.frames), scene.frames.dtype.itemsize
        self._scene = scene  # the kernel reads its memory
        self._pieces, self._messages = np.zeros(count, _PIECE), np.zeros(count, _MESSAGE)
        self._pieces["base"] = scene.frames.ctypes.data + slot * np.arange(count)
        self._pieces["size"] = scene.sizes
        self._messages["pieces"] = self._pieces.ctypes.data + _PIECE.itemsize * np.arange(count)
        self._messages["piece_count"] = 1
        self._first = self._messages.ctypes.data

    def send(self, at: int, count: int) -> int:
        """Send frames `at` and following; return how many were taken, 0 where a queue was full."""
        done = int(_LIBC.sendmmsg(self._socket.fileno(), self._first + at * _MESSAGE.itemsize, count, 0))
        if done < 0 and (problem := ctypes.get_errno()) not in (errno.ENOBUFS, errno.EAGAIN, errno.EINTR):
            raise OSError(problem, os.strerror(problem))
        return max(done, 0)

    def close(self) -> None:
        self._socket.close()


def play(
    wire: Wire,
    scene: Scene,
    *,
    rate: float,
    secs: float,
    packets: int,
    clock: Callable[[], float] = time.monotonic,
    nap: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send at `rate` packets/s, 0 for as fast as it goes, until `packets` or `secs` are reached."""
    began, sent, refused = clock(), 0, 0
    while (passed := clock() - began) < secs and sent < packets:
        at = sent % len(scene.frames)
        due = (min(int(passed * rate), packets) if rate else packets) - sent
        count = min(due, BATCH, len(scene.frames) - at)
        if count < 1:
            nap(NAP_SECS)
            continue
        scene.renew(at, count, sent)
        taken = wire.send(at, count)
        sent += taken
        refused += taken == 0
    return Sent(sent, clock() - began, refused)


def refuse_all_but_cables(interface: str) -> None:
    """Leave a flood no way out: it is for the cables of namespaces that a measurement made."""
    shown = subprocess.run(
        ["ip", "-d", "link", "show", "dev", interface],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if "veth" not in shown.stdout.split():
        raise SystemExit(f"refused: {interface} is no veth interface of this network namespace")


def main() -> None:
    """Send what the command line says."""
    parser = argparse.ArgumentParser(description="Send made packets out of an interface.")
    parser.add_argument("interface")
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--rate", type=float, default=0.0, help="packets/s; 0 is as fast as it goes")
    parser.add_argument("--secs", type=float, default=1.0)
    parser.add_argument("--packets", type=int, default=MAX_PACKETS)
    parser.add_argument("--to", default=NOBODY_MAC, help="hardware address that the frames are for")
    chosen = parser.parse_args()
    refuse_all_but_cables(chosen.interface)
    scene = SCENES[chosen.scene](bytes.fromhex(chosen.to.replace(":", "")))
    wire = Wire(chosen.interface, scene)
    print(json.dumps({"monotonic": time.monotonic(), "epoch": time.time()}), flush=True)  # noqa: T201 - the answer
    packets, secs = min(chosen.packets, MAX_PACKETS), min(chosen.secs, MAX_SECS)
    sent = play(wire, scene, rate=chosen.rate, secs=secs, packets=packets)
    wire.close()
    print(json.dumps(sent._asdict()))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
