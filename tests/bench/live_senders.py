"""How fast this machine can send frames of the smallest size into a cable, by sender and by who listens.

The number is what the cable's far end counts in some seconds of steady sending, so it is the same measure
for senders that tell nothing of themselves.
"""

import argparse
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rich.console import Console
from rich.table import Table

from tests import network
from tests.bench.live_frames import VICTIM, flood
from tests.bench.live_point import PLUG, WATCHED
from tests.bench.live_programs import bounded, counts, running
from tests.bench.live_sender import NOBODY_MAC

_WARM_UP_SECS, _MEASURED_SECS, _LONGEST_SECS = 1.5, 3.0, 20.0
_FRAME_BYTES = 60
_ETH_P_ALL = 3


def senders(folder: Path) -> dict[str, list[str]]:
    """Return the commands that send random-source SYNs without end, by name, where they are installed."""
    known = {
        "ours (sendmmsg)": [sys.executable, "-m", "tests.bench.live_sender", PLUG, "flood", "--secs", "30"],
        "trafgen (TX_RING)": [
            "trafgen",
            "-q",
            "-P",
            "1",
            "-o",
            PLUG,
            "-i",
            str(_recipe(folder / "flood.cfg")),
        ],
        "tcpreplay": [
            "tcpreplay",
            "-q",
            "-K",
            "-t",
            "-l",
            "0",
            "-i",
            PLUG,
            str(_capture(folder / "flood.pcap")),
        ],
        "hping3": ["hping3", "--flood", "--rand-source", "-S", "-p", "80", "-I", PLUG, VICTIM],
    }
    return {name: words for name, words in known.items() if shutil.which(words[0])}


def _capture(path: Path) -> Path:
    scene = flood(bytes.fromhex(NOBODY_MAC.replace(":", "")))
    scene.renew(0, len(scene.frames), 0)
    record = struct.pack("<IIII", 0, 0, _FRAME_BYTES, _FRAME_BYTES)
    frames = [record + frame.tobytes()[:_FRAME_BYTES] for frame in scene.frames]
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_536, 1) + b"".join(frames))
    return path


def _recipe(path: Path) -> Path:
    headers = f"eth(da={NOBODY_MAC}), ipv4(saddr=drnd(), daddr={VICTIM}), tcp(sport=drnd(), dport=80, syn)"
    path.write_text(f"{{ {headers}, fill(0, 6) }}\n")
    return path


@contextmanager
def _tcpdump() -> Iterator[None]:
    with running(bounded(["tcpdump", "-n", "-i", WATCHED, "-w", "/dev/null"], _LONGEST_SECS)):
        yield


@contextmanager
def _packet_socket() -> Iterator[None]:
    """Read the interface as simply as can be, one packet a call."""
    over = Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as listener:
        listener.bind((WATCHED, _ETH_P_ALL))
        listener.settimeout(0.2)
        thread = Thread(target=_read, args=(listener, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _read(listener: socket.socket, over: Event) -> None:
    room = bytearray(2048)
    while not over.is_set():
        try:
            listener.recv_into(room)
        except TimeoutError:
            continue


LISTENERS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "nobody": nullcontext,
    "tcpdump": _tcpdump,
    "AF_PACKET": _packet_socket,
}


def ceiling(words: list[str]) -> float:
    """Return the packets/s that a sender brings through the cable."""
    with running(bounded(words, _LONGEST_SECS)):
        time.sleep(_WARM_UP_SECS)
        before, began = counts(WATCHED), time.monotonic()
        time.sleep(_MEASURED_SECS)
        return counts(WATCHED).since(before).rx / (time.monotonic() - began)


def run(_: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure every sender with every listener, and print a table."""
    network.cable(WATCHED, PLUG)
    network.ip(f"addr add 192.168.1.1/24 dev {PLUG}")  # hping3 asks the routing table
    network.ip(f"neigh add {VICTIM} lladdr {NOBODY_MAC} dev {PLUG}")
    table = Table("sender, packets/s", *LISTENERS, box=None)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, words in senders(Path(folder)).items():
            found[name] = {}
            for listener, listening in LISTENERS.items():
                with listening():
                    found[name][listener] = ceiling(words)
            table.add_row(name, *(f"{number:,.0f}" for number in found[name].values()))
    console.print(table)
    return {"ceilings": found}
