"""Files that one command writes and another reads: there whole, or not at all."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from detector.errors import UsageError

T = TypeVar("T")

_LINE = 300
"""Characters of a message that name what is wrong with a file."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside the old one, then put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}")
    scratch.write_bytes(content)
    scratch.replace(path)


def save(path: Path, content: bytes) -> None:
    """Write a file that somebody asked for by name.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def read(path: Path, kind: TypeAdapter[T], *, what: str, command: str) -> T:
    """Read the JSON that a command wrote.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    try:
        return kind.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        line = " ".join(str(error).split())[:_LINE]
        raise UsageError(f"{path}: no readable {what} ({line}); run iotids-train {command}") from error
