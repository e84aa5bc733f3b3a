from pathlib import Path

import pytest

from detector.errors import UsageError
from tests.train import samples
from train.datasets import CaptureWindows, Entry, save_capture
from train.duplicates import find

CONTENT = {name: f"sha256:{name * 64}" for name in "ab"}


def save(directory: Path, windows: CaptureWindows, name: str, content: str) -> Entry:
    return save_capture(
        directory,
        windows,
        capture=name,
        origin=name.split("/", maxsplit=1)[0],
        category="mixed",
        licence="MIT",
        content=CONTENT[content],
    )


def test_the_same_capture_and_windows_are_found(tmp_path: Path) -> None:
    windows = samples.windows([0, 1, 2, -1])
    other = samples.windows([0, 0], seed=1)
    relabelled = CaptureWindows(other.sequences, other.facts, other.labels + 3)
    entries = [
        save(tmp_path, windows, "x/1", "a"),
        save(tmp_path, windows, "x/2", "a"),
        save(tmp_path, other, "x/3", "b"),
        save(tmp_path, relabelled, "y/1", "b"),
    ]
    found = find(tmp_path, entries)
    assert found.captures == (("x/1", "x/2"), ("x/3", "y/1"))
    assert (found.windows, found.within, found.across, found.contradictory) == (10, 3, 2, 2)
    assert found.lines()[0] == "the same capture 2 times: x/1, x/2"


def test_different_windows_are_no_duplicates(tmp_path: Path) -> None:
    found = find(tmp_path, [save(tmp_path, samples.windows([0, 1, 2, 3]), "x/1", "a")])
    assert (found.captures, found.windows, found.within, found.across) == ((), 4, 0, 0)


def test_no_window_at_all_is_no_duplicate(tmp_path: Path) -> None:
    assert find(tmp_path, []).lines() == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    entry = save(tmp_path, samples.windows([0]), "x/1", "a")
    (tmp_path / entry.file).write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"x/1.*run iotids-train extract again"):
        find(tmp_path, [entry])
