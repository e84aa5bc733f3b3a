"""Numbers as people read them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Cell = str | float | None


def say(text: str = "") -> None:
    """Print a part of the answer at once, so that a long run shows where it stands."""
    print(text, flush=True)  # noqa: T201 - the answer


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table as text: the first column to the left, the others to the right."""
    cells = [[title, *head], *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def shown(cell: Cell) -> str:
    """Return a cell with about three figures that matter."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    size = abs(cell)
    return (
        f"{cell:,.{0 if size >= 100 or cell == int(cell) else 1 if size >= 10 else 2 if size >= 0.1 else 4}f}"
    )


def times(ratio: float) -> str:
    """Return a ratio as words that a name may follow: `6.8 x`, or `1/40 of`."""
    return f"{ratio:.2f} x" if ratio >= 0.1 else f"1/{1 / ratio:.0f} of"


def quantiles(values: Sequence[float], *wanted: int) -> dict[str, float | None]:
    """Return percentiles by name (p50), None where there is no value."""
    return {f"p{each}": float(np.percentile(values, each)) if len(values) else None for each in wanted}


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return by how much a value grows per unit of time, by least squares; 0 for fewer than two."""
    if len(times) < 2 or max(times) == min(times):
        return 0.0
    return float(np.polyfit(times, values, 1)[0])


def machine() -> dict[str, Any]:
    """Return what the absolute figures depend on."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processors": os.cpu_count(),
        "model": model[0].split(":", 1)[1].strip() if model else "",
        "kernel": os.uname().release,
        "python": sys.version.split()[0],
        "load_before": os.getloadavg()[0],
    }
