"""JSON lines at the end of a file.

Threats: whoever may write to the folder may put a link, a pipe or a device in the file's place. A pipe that
nobody reads and a full disk are errors of the sink and hold up nothing; a link is followed, because that is
how some systems move their logs, so the folder must belong to the user that runs this. Alerts name hosts:
the file is for its owner and group alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from detector.errors import ConfigError
from detector.logs import LOGGER
from detector.records import Alert
from detector.sinks.rotation import Rotation
from detector.sinks.sink import json_lines

_FILE_MODE = 0o640
# Not blocking: a named pipe that nobody reads must not stop the path. Files ignore it.
_FILE_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class JsonLinesSink:
    """JSON lines at the end of a file, readable by its owner and group (mode 0640).

    Rotation needs no signal: when the path no longer leads to the file written last, it is opened
    anew. A file cut short in place (`copytruncate`) is written from its new end.
    """

    name = "file"

    def __init__(self, path: Path, rotation: Rotation | None = None) -> None:
        """Open or create the file; with a rotation, it is moved away and packed when it is large.

        Raises:
            ConfigError: that cannot be done.
        """
        self._path, self._rotation = path, rotation
        self._torn = False
        try:
            self._descriptor: int | None = os.open(path, _FILE_FLAGS, _FILE_MODE)
        except OSError as error:
            raise ConfigError(
                f"alerts file {path}: {error.strerror}; expected a file that can be created or appended to, "
                "give another or - for standard output"
            ) from error

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Append one line an alert, handed to the kernel at once."""
        lines = json_lines(alerts)
        descriptor = self._current()
        if self._rotation and lines and self._rotation.due(descriptor, len(lines)):
            self._rotate(self._rotation)
            descriptor = self._current()
        if self._torn:
            # The last write broke off inside a line: keep these whole.
            lines = b"\n" + lines
        while lines:
            written = os.write(descriptor, lines)
            self._torn = lines[written - 1 : written] != b"\n"
            lines = lines[written:]

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _rotate(self, rotation: Rotation) -> None:
        try:
            rotation.rotate(self._path)
        except OSError as error:  # alerts matter more than how many of them one file holds
            LOGGER.warning("The alerts file %s could not be rotated: %s.", self._path, error.strerror)

    def _current(self) -> int:
        """Return a descriptor of the file that the path leads to now."""
        if self._descriptor is not None:
            if _same_file(self._descriptor, self._path):
                return self._descriptor
            self.close()
        self._descriptor = os.open(self._path, _FILE_FLAGS, _FILE_MODE)
        self._torn = False
        return self._descriptor


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)
