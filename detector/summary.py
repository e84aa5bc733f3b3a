"""What a person at a terminal sees of a replay: progress while it runs, a table when it is done."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from detector.logs import one_line
from detector.records import Alert, Category
from detector.replay import Progress as Reached

_WIDTH = 160
"""Columns where no terminal says how many it has."""

_STYLES = {Category.RECON: "yellow", Category.DOS: "red", Category.DDOS: "bold red"}


def show(closed: Sequence[Alert], stream: TextIO, *, packets: int, ignored: int) -> None:
    """Print a replay's incidents, given by the alerts that closed them, and what was read."""
    console = Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False)
    console.print(table(closed) if closed else "[green]No incident.[/]")
    console.print(f"{packets:,} packets read, {ignored:,} of them not IP or malformed.")


def table(closed: Sequence[Alert]) -> Table:
    """Return who did what to whom, when and how sure; one row an incident."""
    grid = Table(title=f"{len(closed)} incident{'s' if len(closed) > 1 else ''}", title_justify="left")
    for heading in ("What", "Who", "Whom", "From (UTC)", "Lasted", "Sure", "Seen"):
        grid.add_column(
            heading, overflow="fold", justify="right" if heading in ("Lasted", "Sure") else "left"
        )
    for alert in sorted(closed, key=lambda alert: (alert.first_ms, alert.category)):
        what = escape(f"{alert.category}{' (uncertain)' if alert.uncertain else ''}")
        first, last = _seen(alert, "first"), _seen(alert, "last")
        grid.add_row(
            f"[{_STYLES[alert.category]}]{what}[/]",
            escape(one_line(alert.attacker)),
            escape(one_line(alert.victim)),
            f"{first:%Y-%m-%d %H:%M:%S}",
            f"{(last - first).total_seconds():.1f} s",
            f"{alert.confidence:.0%}",
            escape(one_line(alert.reason)),
        )
    return grid


def _seen(alert: Alert, end: str) -> datetime:
    """Return the first or last packet time in evidence, from the event: there it fits the calendar."""
    return datetime.strptime(alert.event["iotids"][f"{end}_seen"], "%Y-%m-%dT%H:%M:%S.%f%z")


class Bar:
    """A progress bar over the bytes of all files."""

    def __init__(self, paths: Sequence[str], stream: TextIO) -> None:
        """Start drawing, until `close`. Without a share of the whole where one file is a pipe."""
        known = all(Path(path).is_file() for path in paths)
        self._files = len(paths)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(file=stream), transient=True)
        total = sum(Path(path).stat().st_size for path in paths) if known else None
        self._task = self._bar.add_task("starting", total=total)
        self._bar.start()

    def show(self, reached: Reached) -> None:
        """Draw how far the replay has come."""
        text = f"file {reached.files} of {self._files}, {reached.packets:,} packets"
        self._bar.update(self._task, completed=reached.bytes_read, description=text)

    def close(self) -> None:
        """Wipe the bar."""
        self._bar.stop()
