"""Packets as columns, and the pcap bytes made of them.

What the engine reads is right: addresses, ports, sizes, flags, times. What it does not read is zero:
sequence numbers, checksums, payloads.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.traffic import EPOCH_MS, TCP, UDP

Packets = NDArray[np.void]
"""Shape (n,) of `PACKET`."""
Whole = NDArray[np.integer] | int

PACKET = np.dtype(
    [
        ("micros", "<i8"),  # after the capture's first moment
        *(("src", "<u4"), ("dst", "<u4"), ("src_port", "<u2"), ("dst_port", "<u2")),
        *(("protocol", "u1"), ("flags", "u1"), ("options", "u1"), ("payload", "<u2")),
    ]
)

HEADER = np.array([0xA1B2C3D4, 4 << 16 | 2, 0, 0, 262_144, 1], "<u4").tobytes()
"""The beginning of a pcap file of Ethernet frames."""

RECORD_BYTES = 16
"""Before each frame of a pcap file."""

SHORTEST_FRAME = 60
_SNAP_BYTES = 250
"""Kept of each frame: all headers, and enough payload for files of a natural size."""


class Scene(NamedTuple):
    """A capture on disk."""

    path: Path
    packets: int


def make(micros: NDArray[np.integer], **columns: Whole) -> Packets:
    """Return packets sent at these times, with the columns given, TCP unless they say otherwise."""
    packets = np.zeros(len(micros), PACKET)
    packets["micros"], packets["protocol"] = micros, TCP
    for name, values in columns.items():
        packets[name] = values
    return packets


def in_order(*parts: Packets) -> Packets:
    """Join packets and sort them by time; those of one time stay in the order given."""
    packets = np.concatenate(parts)
    return packets[np.argsort(packets["micros"], kind="stable")]


def _records(count: int, kept: int) -> NDArray[np.void]:
    """Return `count` frames of zeros, each behind its pcap header."""
    return np.zeros(
        count,
        np.dtype(
            [
                *(("secs", "<u4"), ("micros", "<u4"), ("kept", "<u4"), ("size", "<u4")),
                *(("macs", "u1", 12), ("ethertype", ">u2")),
                *(("version", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u4")),
                *(("ttl", "u1"), ("protocol", "u1"), ("sum", ">u2"), ("src", ">u4"), ("dst", ">u4")),
                *(("src_port", ">u2"), ("dst_port", ">u2"), ("datagram", ">u2"), ("seq", "u1", 6)),
                *(("offset", "u1"), ("flags", "u1"), ("rest", "u1", 6), ("payload", "u1", kept - 54)),
            ]
        ),
    )


def records(
    packets: Packets, *, since_micros: int = 0, snap_bytes: int = _SNAP_BYTES
) -> tuple[NDArray[np.void], NDArray[np.integer]]:
    """Return a row for each packet, its pcap record with zeros behind it, and the bytes of each frame."""
    header = np.where(packets["protocol"] == TCP, 20 + packets["options"], 8)
    length = 20 + header + packets["payload"]
    size = np.maximum(length + 14, SHORTEST_FRAME)
    kept = np.minimum(size, snap_bytes)
    rows = _records(len(packets), int(kept.max(initial=SHORTEST_FRAME)))
    at = packets["micros"] + since_micros
    rows["secs"], rows["micros"] = at // 1_000_000, at % 1_000_000
    rows["kept"], rows["size"], rows["length"] = kept, size, length
    rows["ethertype"], rows["version"], rows["ttl"] = 0x0800, 0x45, 64
    for name in ("protocol", "src", "dst", "src_port", "dst_port", "flags"):
        rows[name] = packets[name]
    rows["offset"] = np.where(packets["protocol"] == TCP, 0x50 + (packets["options"] << 2), 0)
    rows["datagram"] = np.where(packets["protocol"] == UDP, 8 + packets["payload"], 0)
    return rows, kept


def frames(packets: Packets, *, since_micros: int = EPOCH_MS * 1000) -> bytes:
    """Return the packets as records of a pcap file, in the order given."""
    made, kept = records(packets, since_micros=since_micros)
    widest = made.dtype.itemsize
    if not len(made) or kept.min() + RECORD_BYTES == widest:
        return made.tobytes()
    rows = made.view("u1").reshape(len(made), widest)
    inside: NDArray[np.bool_] = np.arange(widest) < (RECORD_BYTES + kept)[:, None]
    return bytes(rows[inside])


def write(path: Path, packets: Packets) -> Scene:
    """Write a capture file."""
    path.write_bytes(HEADER + frames(packets))
    return Scene(path, len(packets))
