"""Reading the files of a bundle, whoever put them there."""

import os
import stat
from pathlib import Path

from detector.errors import BundleError


def read_plain_file(path: Path, limit_bytes: int) -> bytes:
    """Read a plain file of bounded size. Never follows a link, never waits on a pipe.

    Raises:
        BundleError: it cannot be opened, is no plain file, or is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleError(f"{path}: is no plain file; copy the file itself into the bundle")
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be opened as a plain file ({error.strerror}); "
            "links are not followed, copy the file itself into the bundle"
        ) from error
    if len(content) > limit_bytes:
        raise BundleError(f"{path}: is larger than the {limit_bytes} bytes allowed; export the bundle again")
    return content
