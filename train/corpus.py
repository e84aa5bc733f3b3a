"""Many captures to a data directory: in parallel, none twice, and whole after any interruption.

A capture is read again only if its bytes, its truth, the settings or the code that makes windows
changed. The index is written while the work goes on, so that a run that was killed is continued.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np

from detector.bundle import MeterSettings, Schema, WindowSettings
from detector.errors import CaptureError, IotidsError, UsageError
from detector.features import SCHEMA
from train.cache import Seen, capture_digest, code_digest, truth_digest
from train.datasets import INDEX, CaptureWindows, Entry, Index, read_index, save_capture, write_index
from train.extract import extract_capture
from train.quality import judge
from train.sources import CaptureSource
from train.truth import read_events

_SAVE_SECONDS = 2.0
"""A run that is killed loses no more than this much work."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of one capture."""

    source: CaptureSource
    entry: Entry | None
    """None if it could not be read at all."""
    problem: str | None
    cached: bool = False
    """It was there: nothing was read."""


def extract_all(
    sources: Iterable[CaptureSource],
    directory: Path,
    *,
    jobs: int | None = None,
    told: Callable[[Extracted], None] = lambda _: None,
) -> Index:
    """Extract captures into a data directory and return its index, those already there included.

    Args:
        sources: what to read; a capture of a name that is there replaces it, if anything of it changed.
        directory: the data directory. If other feature code or settings made it, it starts anew.
        jobs: processes; None for one a processor.
        told: is called after each capture.
    """
    index = _opened(directory) or _fresh()
    entries = {entry.capture: entry for entry in index.entries}
    directory.mkdir(parents=True, exist_ok=True)
    seen = Seen(directory / "seen.json")
    todo = []
    for source in sources:
        kept = _still_true(directory, source, entries.pop(source.name, None), seen)
        if kept is None:
            todo.append(source)
        else:
            entries[source.name] = kept
            told(Extracted(source, kept, kept.problem, cached=True))
    try:
        _extract(todo, directory, index, entries, jobs=jobs, told=told)
    finally:
        index = _saved(directory, index, entries)
        seen.save()
    for path in directory.glob("*.npz"):
        if path.name not in {entry.file for entry in index.entries}:
            path.unlink()
    return index


def _extract(
    todo: list[CaptureSource],
    directory: Path,
    index: Index,
    entries: dict[str, Entry],
    *,
    jobs: int | None,
    told: Callable[[Extracted], None],
) -> None:
    """Read what is to be read, the largest first: one of them at the end would leave processors idle."""
    if not todo:
        return
    todo = sorted(todo, key=lambda source: -_size(source.path))
    workers = min(jobs or os.cpu_count() or 1, len(todo))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        running: set[Future[Extracted]] = {
            pool.submit(extract_one, source, directory, index.meter, index.window) for source in todo
        }
        saved = time.monotonic()
        try:
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for done in (future.result() for future in finished):
                    if done.entry is not None:
                        entries[done.entry.capture] = done.entry
                    told(done)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    _saved(directory, index, entries)
                    saved = time.monotonic()
        except BrokenProcessPool as error:
            raise IotidsError(
                "a process that read a capture was killed, maybe for lack of memory; what is done is kept: "
                "run the same command again, with --jobs 1 if it happens again"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def extract_one(
    source: CaptureSource, directory: Path, meter: MeterSettings, window: WindowSettings
) -> Extracted:
    """Extract one capture and save its windows; what cannot be read is told, not raised."""
    try:
        truth = read_events(source.truth) if isinstance(source.truth, Path) else source.truth
        content, labelled_by = capture_digest(source.path), truth_digest(source)
        found = extract_capture(source.path, truth if isinstance(truth, int) else list(truth), meter, window)
    except (CaptureError, UsageError) as error:
        return Extracted(source, None, str(error))
    quality = judge(found.sequences)
    entry = save_capture(
        directory,
        CaptureWindows(found.sequences, found.facts, found.labels)[quality.good],
        capture=source.name,
        content=content,
        truth=labelled_by,
        flows=found.flows,
        packets=found.packets,
        seconds=found.seconds,
        refused=quality.refused,
        windows_refused=int(np.count_nonzero(~quality.good)),
        problem=found.problem,
        **_told_by(source),
    )
    return Extracted(source, entry, found.problem)


def _told_by(source: CaptureSource) -> dict[str, Any]:
    """Return what an index says of a capture that its windows do not depend on."""
    names = ("origin", "category", "licence", "layout", "tools", "parents", "made_from")
    return {name: getattr(source, name) for name in names}


def _still_true(directory: Path, source: CaptureSource, entry: Entry | None, seen: Seen) -> Entry | None:
    """Return the entry of a capture that need not be read again, with what its source says now."""
    try:
        if entry is None or not (directory / entry.file).is_file():
            return None
        if (entry.truth, entry.content) != (truth_digest(source), seen.digest(source.name, source.path)):
            return None
    except (CaptureError, UsageError):
        return None  # reading it will tell what is wrong
    return entry.model_copy(update=_told_by(source))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def end_with_parent() -> None:
    """Let this worker end when the process that started it is killed: nobody waits for its results."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for_end, args=(parent.sentinel,), daemon=True).start()


def _wait_for_end(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _saved(directory: Path, index: Index, entries: dict[str, Entry]) -> Index:
    return write_index(directory, index.model_copy(update={"entries": tuple(entries.values())}))


def _fresh() -> Index:
    return Index(
        features=Schema(names=SCHEMA.names, units=SCHEMA.units, digest=SCHEMA.digest),
        meter=MeterSettings(),
        window=WindowSettings(),
        entries=(),
        code=code_digest(),
    )


def _opened(directory: Path) -> Index | None:
    """Return the index of a data directory, None if there is none or other code or settings made it."""
    fresh = _fresh()
    try:
        index = read_index(directory, schema_digest=SCHEMA.digest)
    except UsageError:
        return None
    same = (index.meter, index.window, index.code) == (fresh.meter, fresh.window, fresh.code)
    return index if same else None


def starts_anew(directory: Path) -> bool:
    """Tell whether a data directory was made by other code, features or settings: nothing of it is kept."""
    return (directory / INDEX).exists() and _opened(directory) is None


def refusals(index: Index) -> list[str]:
    """Say which windows were refused and why, a line each feature and problem."""
    windows = sum(entry.windows_refused for entry in index.entries)
    counts: Counter[str] = Counter()
    for entry in index.entries:
        counts.update(entry.refused)
    said = [f"refused: {name} {count} times" for name, count in sorted(counts.items())]
    return [f"{windows} windows refused for values that no feature can have", *said] if windows else []
