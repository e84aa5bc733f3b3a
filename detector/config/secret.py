"""Passwords and tokens, each in a file of its own.

Threats: other users of the machine who read it, and a value that ends a line of a protocol early. So the file
must be closed to others, and hold one line of printable characters.
"""

import os
from pathlib import Path

from detector.errors import ConfigError

_MAX_BYTES = 4096


def read_secret(path: str, option: str) -> str:
    """Return the one line that a file holds; `option` names the setting in messages.

    Raises:
        ConfigError: the file cannot be read, is open to other users, or holds anything but one line.
    """
    try:
        with Path(path).open("rb") as file:
            open_to_others = os.fstat(file.fileno()).st_mode & 0o007
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{option}: got {path!r}, which cannot be read ({getattr(error, 'strerror', error)}), allowed is "
            "a file that this user may read, mend the name or the rights"
        ) from error
    if open_to_others:
        raise ConfigError(
            f"{option}: got {path!r}, which every user may read or change, allowed is a file closed to "
            "others, run chmod o= on it"
        )
    line = content.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not line or not line.isprintable() or "\ufffd" in line or len(content) > _MAX_BYTES:
        raise ConfigError(
            f"{option}: got {path!r}, which does not hold one line of printable UTF-8, allowed is the "
            "secret and nothing else, write it anew"
        )
    return line
