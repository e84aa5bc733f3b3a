"""Frames to send, made with NumPy in one buffer each: the same bytes for the same number of the packet.

All of them have right checksums: a host that takes them in, or a detector that looks, finds nothing odd.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.traffic import ACK, PSH, SYN, TCP

VICTIM, VICTIM_PORT = "192.168.1.5", 80
"""Whom the flood is for."""

_FLOOD_FRAMES, _ORDINARY_FRAMES = 4096, 16_384
"""Frames in the buffer; after the last the first is next. The flood's get new sources each time."""
_DEVICES, _SERVERS, _CONNECTIONS = 60, 20, 600
_SMALLEST_BYTES, _LARGEST_BYTES = 60, 1514
_ETHERNET, _IP_TO, _ADDRESSES, _TCP_TO = 14, 34, 26, 54

_FIRST_SOURCE, _SOURCES, _STRIDE = 0x2000_0000, 1 << 29, 2_654_435_761
"""Sources are 32.0.0.0 to 63.255.255.255, each once in half a billion packets: the stride is odd."""


def _layout(slot_bytes: int) -> np.dtype[Any]:
    """Return Ethernet, IPv4 and TCP headers, and payload up to the end of the slot."""
    return np.dtype(
        [
            *(("to_mac", "u1", 6), ("from_mac", "u1", 6), ("ethertype", ">u2")),
            *(("version", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u4")),
            *(("ttl", "u1"), ("protocol", "u1"), ("ip_sum", ">u2"), ("src", ">u4"), ("dst", ">u4")),
            *(("src_port", ">u2"), ("dst_port", ">u2"), ("seq", ">u8")),
            *(("offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("tcp_sum", ">u2"), ("urgent", ">u2")),
            ("payload", "u1", slot_bytes - _TCP_TO),
        ]
    )


def _blank(count: int, slot_bytes: int, to_mac: bytes) -> NDArray[np.void]:
    frames = np.zeros(count, _layout(slot_bytes))
    frames["to_mac"] = np.frombuffer(to_mac, np.uint8)
    frames["from_mac"] = np.frombuffer(bytes.fromhex("020000000066"), np.uint8)
    frames["ethertype"], frames["version"], frames["ttl"] = 0x0800, 0x45, 64
    frames["protocol"], frames["offset"], frames["window"] = TCP, 0x50, 0xFFFF
    return frames


def _checksum(words: NDArray[np.int64]) -> NDArray[np.int64]:
    folded = (words & 0xFFFF) + (words >> 16)
    return ~((folded & 0xFFFF) + (folded >> 16)) & 0xFFFF


def seal(frames: NDArray[np.void]) -> None:
    """Write the checksums of frames whose payload is zeros."""
    frames["ip_sum"] = frames["tcp_sum"] = 0
    words = frames.view(np.uint8).reshape(len(frames), -1)[:, :_TCP_TO].view(">u2")
    tcp_bytes = frames["length"].astype(np.int64) - (_IP_TO - _ETHERNET)
    headers = words[:, _ETHERNET // 2 : _IP_TO // 2].sum(axis=1, dtype=np.int64)
    pseudo = words[:, _ADDRESSES // 2 :].sum(axis=1, dtype=np.int64) + TCP + tcp_bytes
    frames["ip_sum"], frames["tcp_sum"] = _checksum(headers), _checksum(pseudo)


@dataclass(slots=True)
class Scene:
    """Frames to send round and round."""

    frames: NDArray[np.void]
    sizes: NDArray[np.int64]
    """Bytes on the wire of each frame; what is left of its slot is not sent."""
    spoofed: bool = False
    """Whether every packet is to come from a source of its own."""

    def renew(self, at: int, count: int, number: int) -> None:
        """Make frames `at` to `at + count` the packets `number` and following."""
        if self.spoofed:
            part = self.frames[at : at + count]
            numbers = np.arange(number, number + count, dtype=np.uint64)
            part["src"] = _FIRST_SOURCE + numbers * _STRIDE % _SOURCES
            seal(part)


def flood(to_mac: bytes) -> Scene:
    """Return SYNs of the smallest size to one port, each packet from a source of its own."""
    frames = _blank(_FLOOD_FRAMES, 64, to_mac)
    rng = np.random.default_rng(1)
    frames["length"], frames["flags"] = _TCP_TO - _ETHERNET, SYN
    frames["dst"], frames["dst_port"] = 0xC0A80105, VICTIM_PORT
    frames["src_port"] = rng.integers(1024, 65_536, len(frames))
    frames["seq"] = rng.integers(0, 2**32, len(frames), dtype=np.uint64) << 32
    return Scene(frames, np.full(len(frames), _SMALLEST_BYTES), spoofed=True)


def ordinary(to_mac: bytes) -> Scene:
    """Return the middle of 600 connections between 60 devices and 20 servers: both ways, mixed sizes."""
    rng, count = np.random.default_rng(2), _ORDINARY_FRAMES
    frames = _blank(count, 1520, to_mac)
    connection = rng.integers(0, _CONNECTIONS, count)
    back = rng.random(count) < 0.5
    connection[:_CONNECTIONS], back[:_CONNECTIONS] = np.arange(_CONNECTIONS), False  # the device began it
    device = (0xC0A80100 + 2 + np.arange(_CONNECTIONS) % _DEVICES)[connection]
    server = (0xCB007100 + rng.integers(1, _SERVERS + 1, _CONNECTIONS))[connection]
    port = 10_000 + connection
    frames["src"], frames["dst"] = np.where(back, server, device), np.where(back, device, server)
    frames["src_port"], frames["dst_port"] = np.where(back, 443, port), np.where(back, port, 443)
    sizes = rng.choice(np.array([_SMALLEST_BYTES, 590, _LARGEST_BYTES]), count, p=[0.5, 0.2, 0.3])
    frames["length"] = np.where(sizes == _SMALLEST_BYTES, _TCP_TO, sizes) - _ETHERNET
    frames["flags"] = np.where(sizes == _SMALLEST_BYTES, ACK, ACK | PSH)
    seal(frames)
    return Scene(frames, sizes)


SCENES = {"flood": flood, "ordinary": ordinary}
