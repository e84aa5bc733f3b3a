"""The child that meters hostile captures, and what to do when it dies."""

import os
import select
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE_SECS = 60.0
_ANSWER = struct.Struct("<cI")


class MeterDiedError(Exception):
    """A capture ended the process that metered it."""


class Metering:
    """Feeds captures to a child, one at a time, and starts another where one has died."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._child = folder, self._start(folder)
        self.ignored = 0
        """Packets of the last capture that no flow could take."""

    @staticmethod
    def _start(folder: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child", folder / "input.pcap"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def feed(self, capture: bytes) -> str:
        """Return `.` or `r` (see `child.meter`).

        Raises:
            MeterDiedError: the child is dead, or hangs; the capture is kept for whoever mends it.
        """
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(struct.pack("<I", len(capture)) + capture)
            stdin.flush()
            ready, _, _ = select.select([stdout], [], [], _PATIENCE_SECS)
            answer = stdout.read(_ANSWER.size) if ready else b""
        except BrokenPipeError:
            answer = b""
        if len(answer) == _ANSWER.size:
            said, self.ignored = _ANSWER.unpack(answer)
            return str(said.decode())
        self._child.kill()
        code = self.close()
        kept = self._folder / f"killer-{len(capture)}-{hash(capture) & 0xFFFFFFFF:08x}.pcap"
        kept.write_bytes(capture)
        self._child = self._start(self._folder)
        raise MeterDiedError(f"exit code {code}: {kept}")

    def close(self) -> int:
        """End the child and return its exit code."""
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        return self._child.wait(_PATIENCE_SECS)
