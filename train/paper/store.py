"""All rows of the dataset on disk, as one float32 array: 1.6 GB for 8.8 million rows of 45 columns.

It is mapped, not read: what is not in use need not be in memory. `rows.f32` holds the rows of one file after
the other, `rows.json` says which files and what was put right in them. The list grows after each file, so
that an interrupted reading goes on with the next.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from detector.bundle import Part
from detector.errors import UsageError
from train.files import write_whole
from train.paper.classes import LABELS
from train.paper.columns import COLUMNS
from train.paper.files import Source
from train.paper.reading import read

ROWS, STATE = "rows.f32", "rows.json"

_ROW_BYTES = 4 * len(COLUMNS)

_Value = TypeVar("_Value", bound=np.generic)

Say = Callable[[str], None]
Count = Annotated[int, Field(ge=0)]


class FileRows(Part):
    """What was read of one file."""

    name: str
    """Side and file name, as `train/Benign_train.pcap.csv`."""
    label: str
    size_bytes: Count
    modified_ns: int
    rows: Count
    missing: dict[str, Count]
    """Values that were not there and became 0, by column; columns without any are left out."""
    infinite: dict[str, Count]
    """The same of infinite values."""

    @property
    def fingerprint(self) -> tuple[str, int, int]:
        """Return what tells whether the file is still the one that was read."""
        return self.name, self.size_bytes, self.modified_ns


class State(Part):
    """`rows.json`."""

    format: Literal[1] = 1
    files: tuple[FileRows, ...] = ()


@dataclass(frozen=True)
class Store:
    """The rows, and where each comes from."""

    rows: NDArray[np.float32]
    """Shape (n, 45), mapped from disk, finite."""
    files: tuple[FileRows, ...]

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """The number of each row's label in `classes.LABELS`, shape (n,)."""
        return self._by_row(np.array([LABELS.index(file.label) for file in self.files], np.int8))

    @cached_property
    def in_test(self) -> NDArray[np.bool_]:
        """Whether the dataset has a row in its test folder, shape (n,)."""
        return self._by_row(np.array([file.name.startswith("test/") for file in self.files]))

    @property
    def digest(self) -> str:
        """Return what changes with the files' names, order and content, as far as sizes tell."""
        told = "".join(f"{file.name} {file.size_bytes} {file.rows}\n" for file in self.files)
        return hashlib.sha256(told.encode()).hexdigest()

    def _by_row(self, values: NDArray[_Value]) -> NDArray[_Value]:
        return np.repeat(values, [file.rows for file in self.files])


def open_store(sources: list[Source], directory: Path, *, say: Say) -> Store:
    """Read all files into the directory, or go on where an earlier run was interrupted.

    Raises:
        UsageError: a file cannot be read; the directory is then removed, so that no part of it is left.
    """
    done = _still_valid(directory, sources)
    try:
        for source in sources[len(done) :]:
            done.append(_append(directory, source, done))
            say(f"read {len(done)} of {len(sources)}: {source.name}, {done[-1].rows:,} rows")
    except UsageError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shape = (sum(file.rows for file in done), len(COLUMNS))
    return Store(np.memmap(directory / ROWS, np.float32, mode="r", shape=shape), tuple(done))


def _append(directory: Path, source: Source, done: list[FileRows]) -> FileRows:
    """Write a file's rows after those of the files before, and only then its line of the state."""
    directory.mkdir(parents=True, exist_ok=True)
    rows, missing, infinite = 0, np.zeros(len(COLUMNS), int), np.zeros(len(COLUMNS), int)
    with (directory / ROWS).open("ab") as file:
        file.truncate(_ROW_BYTES * sum(before.rows for before in done))
        for piece in read(source):
            file.write(piece.rows.tobytes())
            rows += len(piece.rows)
            missing += piece.missing
            infinite += piece.infinite
    name, size_bytes, modified_ns = _fingerprint(source)
    read_file = FileRows(
        name=name,
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        label=LABELS[source.label],
        rows=rows,
        missing=_by_column(missing),
        infinite=_by_column(infinite),
    )
    write_whole(directory / STATE, State(files=(*done, read_file)).model_dump_json().encode())
    return read_file


def _still_valid(directory: Path, sources: list[Source]) -> list[FileRows]:
    """Return what an earlier run read, as far as the files are the same."""
    try:
        state = State.model_validate_json((directory / STATE).read_bytes())
        size_bytes = (directory / ROWS).stat().st_size
    except (OSError, ValidationError):
        return []
    known = [
        read_file
        for read_file, source in zip(state.files, sources, strict=False)
        if read_file.fingerprint == _fingerprint(source)
    ]
    whole = len(known) == len(state.files) and size_bytes >= _ROW_BYTES * sum(file.rows for file in known)
    return known if whole else []


def _fingerprint(source: Source) -> tuple[str, int, int]:
    status = source.path.stat()
    return source.name, status.st_size, status.st_mtime_ns


def _by_column(counts: NDArray[np.int64]) -> dict[str, int]:
    return {column: int(count) for column, count in zip(COLUMNS, counts, strict=True) if count}
