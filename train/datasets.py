"""Labelled windows on disk and in memory: one npz a capture, and `index.json` that tells what they are."""

import hashlib
import zipfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from detector.bundle import Digest, MeterSettings, Schema, WindowSettings, digest_of
from detector.errors import UsageError
from detector.records import CATEGORIES, FACTS_DTYPE
from train.files import read, write_whole

INDEX = "index.json"


@dataclass(frozen=True, slots=True, eq=False)
class CaptureWindows:
    """The labelled windows of one capture, in the order in which they became due."""

    sequences: NDArray[np.float32]
    """Shape (m, T, F)."""
    facts: NDArray[np.void]
    """Shape (m,), dtype `FACTS_DTYPE`."""
    labels: NDArray[np.int8]
    """Shape (m,), indices into `CATEGORIES`, or -1 for windows to leave out."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        return type(self)(self.sequences[rows], self.facts[rows], self.labels[rows])


class Entry(BaseModel):
    """One capture of the index."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    capture: str
    """Its name, which no other capture of the directory has."""
    origin: str
    category: str
    """A class of `CATEGORIES`, `mixed` or `other`, as the capture's source says."""
    licence: str
    windows: Annotated[int, Field(ge=0)]
    digest: Digest
    """Of the windows' arrays."""
    content: Digest | None = None
    """Of the capture's bytes."""
    truth: Digest | None = None
    """Of what it was labelled by."""
    layout: str = "manifest"
    """What told its truth: `lab`, `manifest`, `names` or `table`."""
    tools: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    """Origins besides its own that it was mixed from; they stand on its side of a split."""
    made_from: tuple[str, ...] = ()
    """Digests of the captures that it was made from."""
    flows: Annotated[int, Field(ge=0)] = 0
    packets: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    """From the first packet of its flows to the last."""
    refused: dict[str, int] = {}
    """Values that no window may hold, by feature and what was wrong, as `duration missing`."""
    windows_refused: Annotated[int, Field(ge=0)] = 0
    problem: str | None = None
    """Why the capture could be read only in part, if so."""

    @property
    def file(self) -> str:
        return f"{hashlib.sha256(self.capture.encode()).hexdigest()[:20]}.npz"


class Index(BaseModel):
    """`index.json`: the captures, and the code and settings that made windows of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    features: Schema
    meter: MeterSettings
    window: WindowSettings
    entries: tuple[Entry, ...]
    code: Digest | None = None
    """Of the code that made the windows, and NFStream's version."""
    digest: Digest | None = None
    """Over the digests of all windows; `write_index` fills it in."""

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(sorted({entry.origin for entry in self.entries}))

    def of(self, origins: Collection[str]) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.origin in origins)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The windows of many captures, joined. `captures` and `origins` tell where each came from."""

    windows: CaptureWindows
    captures: NDArray[np.int32]
    """Shape (m,), indices into `entries`."""
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def sequences(self) -> NDArray[np.float32]:
        return self.windows.sequences

    @property
    def labels(self) -> NDArray[np.int8]:
        return self.windows.labels

    @property
    def origins(self) -> NDArray[np.str_]:
        """Shape (m,)."""
        return np.array([entry.origin for entry in self.entries], np.str_)[self.captures]


def save_capture(
    directory: Path,
    windows: CaptureWindows,
    *,
    capture: str,
    origin: str,
    category: str,
    licence: str,
    **known: Any,
) -> Entry:
    """Write one capture's windows, whole or not at all, and return its line of the index.

    What else is known of the capture goes into its line, by the names of `Entry`.
    """
    entry = Entry(
        capture=capture,
        origin=origin,
        category=category,
        licence=licence,
        windows=len(windows),
        digest=windows_digest(windows),
        **known,
    )
    directory.mkdir(parents=True, exist_ok=True)
    scratch = directory / f".{entry.file}"
    with scratch.open("wb") as file:
        np.savez_compressed(
            file,
            sequences=windows.sequences,
            facts=windows.facts,
            label=windows.labels,
            prints=window_prints(windows),
        )
    scratch.replace(directory / entry.file)
    return entry


def window_prints(windows: CaptureWindows) -> NDArray[np.uint64]:
    """Return 64 bits of each window's digest, (m,): equal windows have equal ones."""
    rows = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in windows.sequences)
    return np.frombuffer(b"".join(rows), "<u8")


def unreadable(directory: Path, entry: Entry) -> UsageError:
    """Say which file of a data directory is missing or damaged."""
    path = directory / entry.file
    return UsageError(f"{path} ({entry.capture}): cannot be read; run iotids-train extract again")


def windows_digest(windows: CaptureWindows) -> str:
    """Digest the arrays themselves: a zip's bytes vary with the library that packed it."""
    arrays = (windows.sequences, windows.facts, windows.labels)
    return digest_of(b"".join(digest_of(np.ascontiguousarray(array).tobytes()).encode() for array in arrays))


def write_index(directory: Path, index: Index) -> Index:
    """Write `index.json`, whole or not at all, and return it; equal entries give equal bytes."""
    entries = tuple(sorted(index.entries, key=lambda entry: entry.capture))
    digest = digest_of("".join(entry.digest for entry in entries).encode())
    ordered = index.model_copy(update={"entries": entries, "digest": digest})
    write_whole(directory / INDEX, f"{ordered.model_dump_json(indent=1)}\n".encode())
    return ordered


def read_index(directory: Path, *, schema_digest: str) -> Index:
    """Read `index.json`.

    Raises:
        UsageError: there is none, it is damaged, or other feature code made the windows.
    """
    index = read(directory / INDEX, TypeAdapter(Index), what="index", command="extract")
    if index.features.digest != schema_digest:
        raise UsageError(
            f"{directory / INDEX}: made with feature schema {index.features.digest}, this code has "
            f"{schema_digest}; run iotids-train extract again"
        )
    return index


def load_capture(directory: Path, entry: Entry) -> CaptureWindows:
    """Read one capture's windows.

    Raises:
        UsageError: the file is missing or damaged, or not what the index says.
    """
    path = directory / entry.file
    try:
        with np.load(path, allow_pickle=False) as packed:
            windows = CaptureWindows(packed["sequences"], packed["facts"], packed["label"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(directory, entry) from error
    if windows.facts.dtype != FACTS_DTYPE or windows_digest(windows) != entry.digest:
        raise UsageError(
            f"{path} ({entry.capture}): is not what {INDEX} says; run iotids-train extract again"
        )
    return windows


def load(
    directory: Path, entries: Iterable[Entry], *, cap_windows: int | None = 200, seed: int = 0
) -> Dataset:
    """Join the labelled windows of some captures; left-out ones stay out.

    `cap_windows` bounds what one capture gives of one class, or the floods would drown the rest. The
    draw depends on the seed and the capture alone, not on which others are loaded.
    """
    kept = tuple(sorted(entries, key=lambda entry: entry.capture))
    parts = []
    for entry in kept:
        windows = load_capture(directory, entry)
        parts.append(drawn(windows, entry, cap_windows, seed))
    return join(parts, kept)


def join(parts: Sequence[CaptureWindows], entries: Sequence[Entry]) -> Dataset:
    """Join the windows of several captures, one part an entry.

    Raises:
        UsageError: there is no window at all.
    """
    if not any(len(part) for part in parts):
        raise UsageError(f"{len(entries)} captures gave no labelled window; choose other origins")
    return Dataset(
        CaptureWindows(
            np.concatenate([part.sequences for part in parts]),
            np.concatenate([part.facts for part in parts]),
            np.concatenate([part.labels for part in parts]),
        ),
        np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts]),
        tuple(entries),
    )


def drawn(windows: CaptureWindows, entry: Entry, cap_windows: int | None, seed: int) -> CaptureWindows:
    """Return a capture's labelled windows, in order, and no more of a class than `cap_windows`."""
    name = int.from_bytes(hashlib.sha256(entry.capture.encode()).digest()[:8])
    random = np.random.default_rng([seed, name])
    kept = []
    for label in range(len(CATEGORIES)):
        rows = np.flatnonzero(windows.labels == label)
        if cap_windows is not None and len(rows) > cap_windows:
            rows = random.choice(rows, cap_windows, replace=False)
        kept.append(rows)
    return windows[np.sort(np.concatenate(kept))]


def sample_weights(dataset: Dataset, *, bound: float = 50.0) -> NDArray[np.float32]:
    """Return weights, mean 1, with which every class counts the same.

    Within a class an origin counts by the square root of its captures: one network seen often
    teaches more than one seen once, but not as much as many networks. No window counts more than
    `bound` times another of its class.
    """
    labels, origins = dataset.labels, dataset.origins
    weights = np.zeros(len(labels))
    for label in np.unique(labels):
        rows = labels == label
        _, where, sizes = np.unique(origins[rows], return_inverse=True, return_counts=True)
        seen = np.unique(np.stack([where, dataset.captures[rows]]), axis=1)[0]
        share = np.sqrt(np.bincount(seen))
        even = (share / sizes)[where]
        limited = np.minimum(even, bound * even.min())
        weights[rows] = limited / limited.sum()
    return np.asarray(weights * len(labels) / weights.sum(), np.float32)
