"""Meters captures that come on standard input, each behind its length, and says after each what became of it.

In a process of its own, because the packet parser is C: what a capture may break there breaks nothing else.
"""

import struct
import sys
from pathlib import Path

from detector.bundle import MeterSettings, WindowSettings
from detector.config import CaptureConfig, MeterConfig, WindowConfig
from detector.errors import CaptureError
from detector.meter import Capture, flow_table
from detector.steps import finish, steps
from detector.windows import Windows


def meter(path: Path) -> tuple[bytes, int]:
    """Take a capture up to due windows, as a replay does.

    Returns:
        `.` for a capture that was read to its end, `r` for one that was refused or broke off, and how many of
        its packets no flow could take.
    """
    table = flow_table(MeterSettings(), MeterConfig(max_active_flows=256), max_step_ms=60_000)
    windows = Windows(WindowSettings(), WindowConfig(max_hosts=64))
    try:
        capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=True)
    except CaptureError:
        return b"r", 0
    answer = b"."
    try:
        for _ in steps(capture, table, windows):
            pass
    except CaptureError:
        answer = b"r"
    capture.close()
    for _ in finish(table, windows):
        pass
    return answer, capture.ignored.total()


def main() -> None:
    """Answer each capture with what `meter` says of it."""
    path = Path(sys.argv[1])
    while head := sys.stdin.buffer.read(4):
        path.write_bytes(sys.stdin.buffer.read(struct.unpack("<I", head)[0]))
        sys.stdout.buffer.write(struct.pack("<cI", *meter(path)))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
