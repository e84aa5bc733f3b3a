"""Captures with truth for the tests of augmenting, of several link types."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests import traffic
from tests.command import PCAPS
from tests.traffic import ACK, EPOCH_MS, SYN, Frame, datagram, segment
from train.packets import Packet, PacketFile
from train.sources import CaptureSource, from_lab

VICTIM = "10.0.0.7"
START = EPOCH_MS / 1000
RAW, SLL, ETHERNET = 101, 113, 1

FLOOD = CaptureSource(
    PCAPS / "udp-flood-one-source.pcap",
    "own/flood",
    "own",
    "DoS",
    "MIT",
    PCAPS / "udp-flood-one-source.json",
)

ANY_PACKETS = st.builds(
    lambda seed, count: [
        Packet(EPOCH_MS * 1000 + round(frame.at_ms * 1000), frame.data[: frame.kept], len(frame.data))
        for frame in traffic.mixed(seed, count)
    ],
    st.integers(0, 10_000),
    st.integers(1, 80),
)
"""Packets of every kind, damaged ones too, in Ethernet."""


def flood(attackers: Sequence[str], count: int = 60, victim: str = VICTIM) -> list[Frame]:
    """Return requests of some attackers in turn, 10 ms apart, each answered."""
    frames = []
    for number in range(count):
        attacker = attackers[number % len(attackers)]
        frames.append(segment(1000 + 10 * number, attacker, victim, (2000 + number, 80), SYN))
        frames.append(segment(1001 + 10 * number, victim, attacker, (80, 2000 + number), SYN | ACK))
    return frames


def life(count: int = 40) -> list[Frame]:
    """Return questions of three clients to two servers, 100 ms apart, and answers."""
    frames = []
    for number in range(count):
        client, server = f"192.168.1.{10 + number % 3}", f"192.168.1.{1 + number % 2}"
        frames.append(datagram(100 * number, client, server, (3000 + number, 53), b"?"))
        frames.append(datagram(100 * number + 2, server, client, (53, 3000 + number), b"!"))
    return frames


def write(folder: Path, name: str, frames: Sequence[Frame], *events: Any, link: int = 1) -> CaptureSource:
    """Write a capture as the lab does; with another link type its Ethernet headers are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    head = b"\0" * 14 + b"\x08\0" if link == SLL else b""
    if link != ETHERNET:
        frames = [frame._replace(data=head + frame.data[14:]) for frame in frames]
    (folder / f"{name}.pcap").write_bytes(traffic.pcap(frames, link))
    (folder / f"{name}.json").write_text(json.dumps({"events": events, "default_class": "Benign"}))
    return next(source for source in from_lab(folder) if source.path.stem == name)


def event(category: str, attackers: Sequence[str], victims: Sequence[str] = (VICTIM,)) -> dict[str, Any]:
    return {
        "class": category,
        "tool": "made",
        "attackers": list(attackers),
        "victims": list(victims),
        "start": START + 1,
        "end": START + 2,
    }


def packets(path: Path) -> list[Packet]:
    return list(PacketFile(path))


def truth(path: Path) -> Any:
    return json.loads(path.with_suffix(".json").read_text())
