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


def meter(path: Path) -> None:
    """Take a capture up to due windows, as a replay does."""
    table = flow_table(MeterSettings(), MeterConfig(max_active_flows=256), max_step_ms=60_000)
    windows = Windows(WindowSettings(), WindowConfig(max_hosts=64))
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=True)
    try:
        for _ in steps(capture, table, windows):
            pass
    finally:
        capture.close()
        for _ in finish(table, windows):
            pass


def main() -> None:
    """Answer `.` for a capture that was read to its end, and `r` for one that was refused or broken."""
    path = Path(sys.argv[1])
    while head := sys.stdin.buffer.read(4):
        path.write_bytes(sys.stdin.buffer.read(struct.unpack("<I", head)[0]))
        try:
            meter(path)
        except CaptureError:
            answer = b"r"
        else:
            answer = b"."
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
