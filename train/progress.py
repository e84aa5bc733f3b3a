"""A bar on a terminal for work that takes minutes; elsewhere nothing but lines."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """Moves on with the work."""

    progress: Progress
    task: TaskID

    def advance(self, at: str) -> None:
        """One more is done; `at` names it."""
        self.progress.update(self.task, advance=1, description=at[-40:])

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self.progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def bar(what: str, total: int) -> Iterator[Bar]:
    """Show a bar on standard error while the work goes on, if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, progress.add_task(what, total=total))
