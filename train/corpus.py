"""Many captures to a data directory: what to read, under which truth, in parallel."""

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from detector.bundle import MeterSettings, Schema, WindowSettings
from detector.errors import CaptureError, UsageError
from detector.features import SCHEMA
from detector.records import CATEGORIES
from train.datasets import INDEX, CaptureWindows, Entry, Index, read_index, save_capture, write_index
from train.extract import extract_capture
from train.truth import LEFT_OUT, read_events

_OWN_LICENCE = "MIT (own traffic)"


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """One capture to read."""

    path: Path
    name: str
    origin: str
    category: str
    licence: str
    truth: int | Path
    """A label for the whole capture, or the file that tells its events."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of one capture."""

    source: CaptureSource
    entry: Entry | None
    """None if it could not be read at all."""
    problem: str | None


def from_manifest(manifest: Path, root: Path) -> list[CaptureSource]:
    """Read a manifest: a JSON list of rows with file, class, origin, licence and maybe labels.

    Raises:
        UsageError: it is no such list, or a mixed capture has no labels.
    """
    try:
        return [_from_row(row, root) for row in json.loads(manifest.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{manifest}: no readable list of captures ({error!r})") from error


def from_lab(directory: Path, origin: str) -> list[CaptureSource]:
    """Find the lab's captures, `<kind>-<seed>.pcap` with the truth beside it as `.json`."""
    names = {category.lower(): str(category) for category in CATEGORIES}
    return [
        CaptureSource(
            path=path,
            name=f"{origin}/{path.stem}",
            origin=origin,
            category=names.get(path.stem.split("-")[0], "mixed"),
            licence=_OWN_LICENCE,
            truth=path.with_suffix(".json"),
        )
        for path in sorted(directory.glob("*.pcap"))
        if path.with_suffix(".json").exists()
    ]


def extract_all(
    sources: Iterable[CaptureSource],
    directory: Path,
    *,
    jobs: int | None = None,
    only_new: bool = False,
    told: Callable[[Extracted], None] = lambda _: None,
) -> Index:
    """Extract captures into a data directory and return its index, those already there included.

    Args:
        sources: what to read; a capture of a name that is there replaces it.
        directory: the data directory. If other feature code or settings made it, it starts anew.
        jobs: processes; None for one a processor.
        only_new: leave out captures whose name is there.
        told: is called after each capture.
    """
    index = _opened(directory)
    entries = {entry.capture: entry for entry in index.entries}
    todo = [source for source in sources if not (only_new and source.name in entries)]
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        running = [pool.submit(extract_one, source, directory, index.meter, index.window) for source in todo]
        for future in as_completed(running):
            done = future.result()
            if done.entry is not None:
                entries[done.entry.capture] = done.entry
            told(done)
    index = index.model_copy(update={"entries": tuple(entries.values())})
    write_index(directory, index)
    return index


def extract_one(
    source: CaptureSource, directory: Path, meter: MeterSettings, window: WindowSettings
) -> Extracted:
    """Extract one capture and save its windows; what cannot be read is told, not raised."""
    try:
        truth = read_events(source.truth) if isinstance(source.truth, Path) else source.truth
        found = extract_capture(source.path, truth, meter, window)
    except (CaptureError, UsageError) as error:
        return Extracted(source, None, str(error))
    entry = save_capture(
        directory,
        CaptureWindows(found.sequences, found.facts, found.labels),
        capture=source.name,
        origin=source.origin,
        category=source.category,
        licence=source.licence,
    )
    return Extracted(source, entry, found.problem)


def _opened(directory: Path) -> Index:
    fresh = Index(
        features=Schema(names=SCHEMA.names, units=SCHEMA.units, digest=SCHEMA.digest),
        meter=MeterSettings(),
        window=WindowSettings(),
        entries=(),
    )
    if not (directory / INDEX).exists():
        return fresh
    try:
        index = read_index(directory, schema_digest=SCHEMA.digest)
    except UsageError:
        return fresh
    return index if (index.meter, index.window) == (fresh.meter, fresh.window) else fresh


def _from_row(row: dict[str, Any], root: Path) -> CaptureSource:
    category, labels = str(row["class"]), row.get("labels")
    if labels is None and category not in {*CATEGORIES, "other"}:
        raise ValueError(f"{row['file']}: class {category!r} needs a file of labels")
    plain = CATEGORIES.index(category) if category in set(CATEGORIES) else LEFT_OUT
    return CaptureSource(
        path=root / row["file"],
        name=str(row["file"]),
        origin=str(row["origin"]),
        category=category,
        licence=str(row["licence"]),
        truth=plain if labels is None else root / labels,
    )
