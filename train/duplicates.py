"""What is in the data twice: whole captures by content, and windows that are alike to the bit."""

import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.datasets import Entry, unreadable


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Captures and windows that are there more than once."""

    captures: tuple[tuple[str, ...], ...]
    """Names of captures with the same bytes, a group each."""
    windows: int
    """Labelled windows in all."""
    within: int
    """Windows beyond the first of their kind in their origin: floods repeat themselves."""
    across: int
    """Kinds of windows that several origins show."""
    contradictory: int
    """Kinds of windows that carry several labels: no model can tell those apart."""

    def lines(self) -> list[str]:
        """Say it in words, a line each; silent on what there is none of."""
        said = [f"the same capture {len(names)} times: {', '.join(names)}" for names in self.captures]
        if self.windows:
            said.append(
                f"of {self.windows} labelled windows {self.within} repeat one of their own origin; "
                f"{self.across} kinds are in several origins, {self.contradictory} under several labels"
            )
        return said


def same_content(entries: Iterable[Entry]) -> tuple[tuple[str, ...], ...]:
    """Group the names of captures that have the same bytes."""
    groups: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.content is not None:
            groups[entry.content].append(entry.capture)
    return tuple(sorted(tuple(sorted(names)) for names in groups.values() if len(names) > 1))


def find(directory: Path, entries: Iterable[Entry]) -> Duplicates:
    """Compare captures and labelled windows of a data directory, each with all.

    Raises:
        UsageError: a file is missing or damaged, or older than prints are.
    """
    kept = [entry for entry in entries if entry.windows]
    origins = sorted({entry.origin for entry in kept})
    prints, labels, where = [np.zeros(0, np.uint64)], [np.zeros(0, np.int8)], [np.zeros(0, np.intp)]
    for entry in kept:
        seen, label = _prints(directory, entry)
        labelled = label >= 0
        prints.append(seen[labelled])
        labels.append(label[labelled])
        where.append(np.full(int(labelled.sum()), origins.index(entry.origin)))
    kinds, kind = np.unique(np.concatenate(prints), return_inverse=True)
    by_origin = np.unique(np.stack([kind, np.concatenate(where)]), axis=1)[0]
    by_label = np.unique(np.stack([kind, np.concatenate(labels)]), axis=1)[0]
    return Duplicates(
        captures=same_content(kept),
        windows=len(kind),
        within=len(kind) - len(by_origin),
        across=int((np.bincount(by_origin, minlength=len(kinds)) > 1).sum()),
        contradictory=int((np.bincount(by_label, minlength=len(kinds)) > 1).sum()),
    )


def _prints(directory: Path, entry: Entry) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    """Return the prints of one capture's windows and their labels, without reading the windows."""
    try:
        with np.load(directory / entry.file, allow_pickle=False) as packed:
            return packed["prints"], packed["label"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(directory, entry) from error
