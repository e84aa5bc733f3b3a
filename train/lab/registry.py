"""The programs a host can run, by name."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from train.lab.plan import Job

if TYPE_CHECKING:
    from train.lab.actor import Actor

Program = Callable[["Actor", Job], Awaitable[None]]

PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    """Enter a coroutine function under its name, with hyphens."""
    PROGRAMS[getattr(function, "__name__", "").replace("_", "-")] = function
    return function
