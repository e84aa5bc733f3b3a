"""What tells whether a capture must be read again: digests of its bytes, its truth and the code."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import detector
import train
from detector.bundle import digest_of
from detector.errors import CaptureError, UsageError
from detector.meter import ENGINE_VERSION
from train.files import write_whole
from train.sources import CaptureSource

_CODE = (
    "detector/features.py",
    "detector/records.py",
    "detector/steps.py",
    "detector/meter/**/*.py",
    "detector/meter/**/*.[ch]",
    "detector/windows/*.py",
    "train/extract.py",
    "train/quality.py",
    "train/truth.py",
)
"""What makes windows of packets."""


def truth_digest(source: CaptureSource) -> str:
    """Digest what a capture is labelled by.

    Raises:
        UsageError: the file that tells it cannot be read.
    """
    try:
        if isinstance(source.truth, Path):
            return digest_of(source.truth.read_bytes())
    except OSError as error:
        raise UsageError(f"{source.truth}: no readable truth ({error.strerror})") from error
    told = source.truth if isinstance(source.truth, int) else [asdict(event) for event in source.truth]
    return digest_of(json.dumps(told).encode())


def code_digest(more: Iterable[str] = ()) -> str:
    """Digest the code that makes windows of packets, NFStream's version, and the code of `more` patterns."""
    roots = {"detector": Path(detector.__path__[0]).parent, "train": Path(train.__path__[0]).parent}
    found = {
        f"{path.relative_to(roots[pattern.split('/')[0]]).as_posix()} {digest_of(path.read_bytes())}"
        for pattern in (*_CODE, *more)
        for path in roots[pattern.split("/")[0]].glob(pattern)
    }
    return digest_of("\n".join([ENGINE_VERSION, *sorted(found)]).encode())


class Seen:
    """Digests of captures by name, size and time of change: what did not change is not read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, list[int | str]] = dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def digest(self, name: str, path: Path) -> str:
        """Digest a capture's bytes.

        Raises:
            CaptureError: it cannot be read.
        """
        try:
            state = path.stat()
        except OSError as error:
            raise CaptureError(f"{path}: cannot be read ({error.strerror})") from error
        known = self._known.get(name)
        if not isinstance(known, list) or known[:2] != [state.st_size, state.st_mtime_ns]:
            known = self._known[name] = [state.st_size, state.st_mtime_ns, capture_digest(path)]
        return str(known[-1])

    def save(self) -> None:
        """Write the digests, whole or not at all."""
        write_whole(self._path, json.dumps(self._known).encode())


def capture_digest(path: Path) -> str:
    """Digest a capture's bytes.

    Raises:
        CaptureError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read ({error.strerror})") from error
