"""More worlds from those at hand: the same capture at another pace, its truth carried along.

Floods and scans differ between networks above all in how fast they are. Stretching a capture's time
by a factor gives the slow flood and the fast scan that nobody recorded. Packets stay as they are.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detector.errors import UsageError

_HEADER_BYTES, _RECORD = 24, struct.Struct("<IIII")
_MAGIC = 0xA1B2C3D4
"""Little-endian pcap with microseconds, which is what the lab writes."""

_SECOND_US = 1_000_000
_TIMES = ("start", "end")


def stretch(capture: Path, truth: Path, factor: float, out: Path) -> Path:
    """Write a capture and its truth with every interval multiplied by `factor`; return the capture.

    Raises:
        UsageError: the capture is no such pcap, or the truth no such JSON.
    """
    packets = capture.read_bytes()
    if len(packets) < _HEADER_BYTES or int.from_bytes(packets[:4], "little") != _MAGIC:
        raise UsageError(f"{capture}: expected a little-endian pcap with microseconds, as the lab writes")
    pieces, began = [packets[:_HEADER_BYTES]], None
    for stamp, lengths, content in _records(packets):
        began = stamp if began is None else began
        seconds, micros = divmod(began + round((stamp - began) * factor), _SECOND_US)
        pieces += [_RECORD.pack(seconds, micros, *lengths), content]
    target = out / f"{capture.stem}-x{factor:g}.pcap"
    out.mkdir(parents=True, exist_ok=True)
    told = _stretched_truth(truth, (began or 0) / _SECOND_US, factor)
    target.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n")
    target.write_bytes(b"".join(pieces))
    return target


def _records(packets: bytes) -> Iterator[tuple[int, tuple[int, int], bytes]]:
    """Yield each whole record's stamp in microseconds, its two lengths, and its bytes."""
    at = _HEADER_BYTES
    while at + _RECORD.size <= len(packets):
        seconds, micros, captured, length = _RECORD.unpack_from(packets, at)
        at += _RECORD.size
        if at + captured > len(packets):
            return
        yield seconds * _SECOND_US + micros, (captured, length), packets[at : at + captured]
        at += captured


def _stretched_truth(truth: Path, began: float, factor: float) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(truth.read_text())
        for event in told["events"]:
            event |= {name: began + (float(event[name]) - began) * factor for name in _TIMES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{truth}: no readable truth ({error!r}); expected a JSON object with `events`"
        ) from error
    return told | {"stretched": factor}
