"""Processes that the suite starts: none outlives it, and what they take while they run."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill the process at the end, if it still runs, and close its pipes."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def resident_mb(pid: int, field: str = "VmRSS") -> float:
    """Return a process's resident memory now; 0 when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def written_bytes(pid: int) -> int:
    """Return how many bytes a process has written so far, to pipes too; 0 when it has ended."""
    try:
        counts = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return 0
    found = re.search(r"^wchar: (\d+)$", counts, re.MULTILINE)
    return int(found[1]) if found else 0
