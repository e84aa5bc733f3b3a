"""The dataset's folder: which files, of which label, on which side. Nothing is read but their headers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from detector.errors import UsageError
from train.paper.classes import label_of
from train.paper.columns import positions

SIDES: tuple[Literal["train"], Literal["test"]] = ("train", "test")
"""The dataset's own folders."""

PAGE = "https://www.unb.ca/cic/datasets/iomt-dataset-2024.html"

_SUFFIX = ".csv"


@dataclass(frozen=True, slots=True)
class Source:
    """One CSV file."""

    path: Path
    side: Literal["train", "test"]
    label: int
    width: int
    """Columns of the file, of ours or not."""
    positions: tuple[int, ...]
    """Where `COLUMNS` stand among them."""

    @property
    def name(self) -> str:
        """Return the name within the dataset."""
        return f"{self.side}/{self.path.name}"


def find_sources(folder: Path) -> list[Source]:
    """Return all CSV files of both sides, in order of side and name, each with its header checked.

    Raises:
        UsageError: the folder is not laid out so, or a file's name or header is not the dataset's.
    """
    if not all((folder / side).is_dir() for side in SIDES):
        raise UsageError(
            f"{folder}: has no folders train/ and test/{_elsewhere(folder)}; expected CICIoMT2024's CSV "
            f"files in them (from {PAGE})"
        )
    return [_source(path, side) for side in SIDES for path in _csv_files(folder / side)]


def _csv_files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.name.casefold().endswith(_SUFFIX))
    if not found:
        raise UsageError(
            f"{folder}: holds no CSV file; expected <label>_{folder.name}.pcap.csv (from {PAGE})"
        )
    return found


def _elsewhere(folder: Path) -> str:
    """Say where the folders are, if further down: the archive has them inside others."""
    inner = next((path.parent for path in folder.glob("*/**/train") if (path.parent / "test").is_dir()), None)
    return f" (but {inner} has; give --data {inner})" if inner else ""


def _source(path: Path, side: Literal["train", "test"]) -> Source:
    label = label_of(path.name, side)
    header = _header(path)
    return Source(path, side, label, len(header), positions(header, where=str(path)))


def _header(path: Path) -> list[str]:
    try:
        first = pd.read_csv(
            path, header=None, nrows=1, dtype=str, encoding="utf-8-sig", keep_default_na=False
        )
    except pd.errors.EmptyDataError:
        raise UsageError(f"{path}: is empty; fetch the file again") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no readable CSV file ({error}); fetch the file again") from error
    return [str(name) for name in first.iloc[0]]
