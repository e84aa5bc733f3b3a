"""Splits finer than `split`'s, to see how much they flatter: by capture, or by time inside each capture.

Nothing is trained on these to be shipped. The same model judged on a split by capture or by time knows
the network it is judged on; the difference to the split by origin is what such a figure is worth.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.errors import UsageError
from train.datasets import CaptureWindows, Dataset, Entry, Index, drawn, join, load_capture
from train.split import Split, joined

_END_MS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Piece:
    """A capture, or a stretch of it."""

    entry: Entry
    from_ms: int = 0
    until_ms: int = _END_MS
    """Windows whose flows began at `from_ms` or later and which were due before `until_ms`."""

    def of(self, windows: CaptureWindows) -> CaptureWindows:
        """Return the windows of the capture that belong to the piece."""
        facts = windows.facts
        return windows[(facts["first_ms"] >= self.from_ms) & (facts["time_ms"] < self.until_ms)]


@dataclass(frozen=True, slots=True)
class Partition:
    """Pieces to learn from and pieces to be judged by."""

    by: str
    """`origin`, `capture` or `time`."""
    train: tuple[Piece, ...]
    test: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What holds for a partition."""

    by: str
    train_windows: int
    test_windows: int
    shared: int
    """Windows of the test side that the training side shows too, to the bit."""


def by_origin(index: Index, split: Split) -> Partition:
    """Take the sides of a split; what validates is on neither."""
    return Partition("origin", *(tuple(map(Piece, index.of(side))) for side in (split.train, split.test)))


def by_capture(index: Index, *, share: float = 0.2, seed: int = 0) -> Partition:
    """Draw captures to be judged by, `share` of each class; what was made of one another stays together."""
    entries = _judging(index)
    family = joined({entry.content or entry.capture, *entry.made_from} for entry in entries)
    random = np.random.default_rng(seed)
    chosen: set[str] = set()
    for category in sorted({entry.category for entry in entries}):
        own = [entry for entry in entries if entry.category == category]
        names = sorted({family[entry.content or entry.capture] for entry in own})
        chosen |= set(random.permutation(names)[: max(round(share * len(names)), 1)].tolist())
    test = tuple(Piece(each) for each in entries if family[each.content or each.capture] in chosen)
    return Partition("capture", tuple(Piece(each) for each in entries if Piece(each) not in test), test)


def by_time(directory: Path, index: Index, *, share: float = 0.2) -> Partition:
    """Cut each capture in time; its last `share` judges.

    Windows over the cut are on neither side, nor are those so soon after it that their counts of the last
    seconds still hold what was before. Captures made of others are left out: their time is not their own.
    """
    train, test = [], []
    for entry in _judging(index):
        if entry.made_from:
            continue
        facts = load_capture(directory, entry).facts
        first, last = int(facts["first_ms"].min()), int(facts["time_ms"].max())
        cut = last - round(share * (last - first))
        train.append(Piece(entry, until_ms=cut))
        test.append(Piece(entry, from_ms=cut + index.window.horizon_ms))
    return Partition("time", tuple(train), tuple(test))


def load_side(
    directory: Path, pieces: Iterable[Piece], *, cap_windows: int | None = 200, seed: int = 0
) -> Dataset:
    """Join the labelled windows of some pieces, as `datasets.load` does those of captures."""
    kept = sorted(pieces, key=lambda piece: piece.entry.capture)
    parts = [
        drawn(piece.of(load_capture(directory, piece.entry)), piece.entry, cap_windows, seed)
        for piece in kept
    ]
    return join(parts, [piece.entry for piece in kept])


def prove(partition: Partition, train: Dataset, test: Dataset) -> Proof:
    """Prove that nothing stands on both sides, by capture, content and time.

    Raises:
        UsageError: something does.
    """
    known = {piece.entry.capture: piece for piece in partition.train}
    contents = {digest for piece in partition.train for digest in _contents(piece.entry)}
    origins = {origin for piece in partition.train for origin in _origins(piece.entry)}
    for piece in partition.test:
        entry, twin = piece.entry, known.get(piece.entry.capture)
        if partition.by == "time":
            shared = twin is None or twin.until_ms > piece.from_ms
        else:
            shared = twin is not None or not contents.isdisjoint(_contents(entry))
        if partition.by == "origin":
            shared = shared or not origins.isdisjoint(_origins(entry))
        if shared:
            raise UsageError(f"{entry.capture} stands on both sides of the split by {partition.by}")
    shown = {row.tobytes() for row in train.sequences}
    again = sum(row.tobytes() in shown for row in test.sequences)
    return Proof(partition.by, len(train), len(test), again)


def _contents(entry: Entry) -> set[str]:
    return {*entry.made_from, *([entry.content] if entry.content else [])}


def _origins(entry: Entry) -> set[str]:
    return {entry.origin, *entry.parents}


def _judging(index: Index) -> list[Entry]:
    return [entry for entry in index.entries if entry.windows and entry.category != "other"]
