"""A CSV file in pieces, as float32, with what had to be put right.

As the paper's published code does: infinite values count as missing, and missing ones become 0. Here both
are counted, by column. Beyond float32 is infinite, too.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detector.errors import UsageError
from train.paper.columns import COLUMNS
from train.paper.files import Source

CHUNK_ROWS = 50_000
"""18 MB of float64."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some rows of a file."""

    rows: NDArray[np.float32]
    """Shape (n, 45), finite, in the order of `COLUMNS`."""
    missing: Counts
    """Shape (45,): empty, or not there in a short line."""
    infinite: Counts
    """Shape (45,)."""


def read(source: Source, chunk_rows: int = CHUNK_ROWS) -> Iterator[Piece]:
    """Yield a file's rows.

    Raises:
        UsageError: there is none, or a value is no number; it is quoted, with its place.
    """
    rows = 0
    for values in _tables(source, chunk_rows, np.float64):
        yield _cleaned(values.to_numpy())
        rows += len(values)
    if not rows:
        raise UsageError(f"{source.path}: has a header and no row; fetch the file again")


def _cleaned(values: NDArray[np.float64]) -> Piece:
    with np.errstate(over="ignore"):
        rows = values.astype(np.float32)
    missing, infinite = np.isnan(rows), np.isinf(rows)
    rows[missing | infinite] = 0.0
    return Piece(rows, missing.sum(axis=0), infinite.sum(axis=0))


def _tables(source: Source, chunk_rows: int, dtype: type) -> Iterator[pd.DataFrame]:
    """Yield tables of `COLUMNS`, each value of the type."""
    try:
        with pd.read_csv(
            source.path,
            header=None,
            skiprows=1,
            names=range(source.width),
            dtype=dict.fromkeys(range(source.width), str) | dict.fromkeys(source.positions, dtype),
            index_col=False,
            encoding="utf-8-sig",
            chunksize=chunk_rows,
        ) as tables:
            while (table := _next(tables)) is not None:
                yield table[list(source.positions)]
    except pd.errors.EmptyDataError:
        return
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        place = _not_a_number(source, chunk_rows) if dtype is not str else None
        raise UsageError(f"{source.path}: {place or _one_line(error)}; fetch the file again") from error


def _next(tables: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    """Return the next table; what pandas would only warn of is lost values."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return next(tables, None)


def _not_a_number(source: Source, chunk_rows: int) -> str | None:
    """Find the first value that is text: pandas says neither where it is nor, always, what."""
    first = 0
    for values in _tables(source, chunk_rows, str):
        wrong = values.apply(_texts).to_numpy()
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            text = str(values.iloc[row, column])[:40]
            return f"data row {first + row + 1}, column {COLUMNS[column]}: {text!a} is no number"
        first += len(values)
    return None


def _texts(column: "pd.Series[str]") -> "pd.Series[bool]":
    return column.notna() & pd.to_numeric(column, errors="coerce").isna()


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:200]
