"""Captures to measure with, made with NumPy: the same bytes each time, in about a second."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.traffic import ACK, EPOCH_MS, SYN, TCP

FLOOD_PACKETS = 200_000
ORDINARY_FLOWS, PACKETS_A_FLOW = 10_000, 40
_HEADERS = 14 + 20 + 20
_SNAP_BYTES = 250
"""Kept of each packet of ordinary traffic: makes its capture 106 MB."""


def _records(count: int, kept: int) -> NDArray[np.void]:
    """Return `count` TCP packets, each behind its pcap header; what all have in common is filled in."""
    records = np.zeros(
        count,
        np.dtype(
            [
                *(("secs", "<u4"), ("micros", "<u4"), ("kept", "<u4"), ("size", "<u4")),
                *(("macs", "u1", 12), ("ethertype", ">u2")),
                *(("version", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u4")),
                *(("ttl", "u1"), ("protocol", "u1"), ("sum", ">u2"), ("src", ">u4"), ("dst", ">u4")),
                *(("src_port", ">u2"), ("dst_port", ">u2"), ("seq", ">u8")),
                *(("offset", "u1"), ("flags", "u1"), ("rest", "u1", 6), ("payload", "u1", kept - _HEADERS)),
            ]
        ),
    )
    records["kept"], records["ethertype"], records["version"] = kept, 0x0800, 0x45
    records["ttl"], records["protocol"], records["offset"] = 64, TCP, 0x50
    return records


def _write(path: Path, records: NDArray[np.void], micros: NDArray[np.int64]) -> Path:
    at = EPOCH_MS * 1000 + micros
    records["secs"], records["micros"] = at // 1_000_000, at % 1_000_000
    header = np.array([0xA1B2C3D4, 4 << 16 | 2, 0, 0, 262_144, 1], "<u4")
    path.write_bytes(header.tobytes() + records.tobytes())
    return path


def flood(path: Path) -> Path:
    """Write SYNs to one host in ten seconds, each from a source of its own: as many flows as packets."""
    records, rng = _records(FLOOD_PACKETS, 60), np.random.default_rng(1)
    records["size"], records["length"] = 60, 46
    records["src"] = rng.choice(2**31, FLOOD_PACKETS, replace=False)
    records["dst"], records["dst_port"], records["flags"] = 0xC0A80105, 80, SYN
    records["src_port"] = rng.integers(1024, 65_536, FLOOD_PACKETS)
    return _write(path, records, np.arange(FLOOD_PACKETS) * 50)


def ordinary(path: Path) -> Path:
    """Write connections between 60 devices and 20 servers, of 40 packets in up to 8 s each, in 100 s."""
    rng, count = np.random.default_rng(2), ORDINARY_FLOWS * PACKETS_A_FLOW
    starts = rng.integers(0, 92_000_000, ORDINARY_FLOWS)
    lengths = rng.integers(200_000, 8_000_000, ORDINARY_FLOWS)
    times = starts[:, None] + np.sort(rng.random((ORDINARY_FLOWS, PACKETS_A_FLOW)), axis=1) * lengths[:, None]
    flow = np.repeat(np.arange(ORDINARY_FLOWS), PACKETS_A_FLOW)
    order = np.argsort(times.ravel(), kind="stable")
    micros, flow = times.ravel()[order].astype(np.int64), flow[order]
    device = (0xC0A80100 + rng.integers(2, 62, ORDINARY_FLOWS))[flow]
    server = (0xCB007100 + rng.integers(1, 21, ORDINARY_FLOWS))[flow]
    port = (10_000 + np.arange(ORDINARY_FLOWS))[flow]
    records, back = _records(count, _SNAP_BYTES), rng.random(count) < 0.5
    records["length"] = rng.integers(40, 1500, count)
    records["size"] = np.maximum(records["length"] + 14, _SNAP_BYTES)
    records["src"], records["dst"] = np.where(back, server, device), np.where(back, device, server)
    records["src_port"], records["dst_port"] = np.where(back, 443, port), np.where(back, port, 443)
    records["flags"] = ACK
    return _write(path, records, micros)
