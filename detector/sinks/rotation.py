"""Old alerts, packed and numbered beside the file: `alerts.jsonl.1.gz` is the newest, the last is deleted."""

import gzip
import os
import shutil
import stat
from pathlib import Path

_FILE_MODE = 0o640


class Rotation:
    """Keeps a file below a size, and so many packed files of what was in it."""

    def __init__(self, max_bytes: int, keep_files: int) -> None:
        self._max_bytes, self._keep_files = max_bytes, keep_files
        self._not_below = 0

    def due(self, descriptor: int, more_bytes: int) -> bool:
        """Tell whether a file would grow too large; what it holds alone never is."""
        status = os.fstat(descriptor)
        limit = max(self._max_bytes, self._not_below)
        return stat.S_ISREG(status.st_mode) and status.st_size > 0 and status.st_size + more_bytes > limit

    def rotate(self, path: Path) -> None:
        """Move the file away and pack it. What is in the way of that is left for the next time.

        Raises:
            OSError: nothing could be moved; the file goes on to grow, by a tenth before the next try.
        """
        self._not_below = path.stat().st_size + self._max_bytes // 10
        if path.is_symlink():
            return  # its target is for others to look after
        plain = path.with_name(f"{path.name}.1")
        if not plain.exists():  # else the last one was not packed to its end: first that
            path.rename(plain)
            self._not_below = 0
        packed = self._packed(path, 1)
        for number in range(self._keep_files, 0, -1):
            older = self._packed(path, number)
            if older.exists() and number == self._keep_files:
                older.unlink()
            elif older.exists():
                older.rename(self._packed(path, number + 1))
        _pack(plain, packed)

    @staticmethod
    def _packed(path: Path, number: int) -> Path:
        return path.with_name(f"{path.name}.{number}.gz")


def _pack(plain: Path, packed: Path) -> None:
    """Pack a file under another name, whole or not at all."""
    scratch = packed.with_name(packed.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(scratch, flags, _FILE_MODE)
    with open(descriptor, "wb") as target, plain.open("rb") as source:  # noqa: PTH123 - a descriptor, no path
        with gzip.GzipFile(filename="", fileobj=target, mode="wb") as stream:
            shutil.copyfileobj(source, stream)
        target.flush()
        os.fsync(target.fileno())
    scratch.rename(packed)
    plain.unlink()
