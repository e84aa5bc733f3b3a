"""Whether packets can come in at all: what the kernel says of an interface.

libpcap reports an interface that was deleted. One that was set down, lost its cable or was renamed it just
reads no packet from, for ever. Asking the kernel needs no right, and goes by the network namespace of the
process, which `/sys/class/net` need not do.
"""

import errno
import fcntl
import socket
import struct
from typing import NamedTuple

_GET_FLAGS, _GET_INDEX = 0x8913, 0x8933
"""SIOCGIFFLAGS and SIOCGIFINDEX, of linux/sockios.h."""
_UP, _RUNNING = 0x1, 0x40
"""IFF_UP and IFF_RUNNING, of linux/if.h."""
_REQUEST = struct.Struct("16sI20x")
"""`struct ifreq`: a name, and what is asked for. Flags fill half of the number, on either byte order."""
_FLAGS = struct.Struct("16sH22x")
_MAX_NAME = 15


class Link(NamedTuple):
    """What the kernel says."""

    number: int
    """The interface's number, by which a capture holds on to it; 0 without an interface, and for `any`."""
    problem: str | None
    """Why no packet can come; None while one can."""


def look(name: str) -> Link:
    """Ask for the interface that has this name now."""
    if name == "any":
        return Link(0, None)
    if len(name.encode()) > _MAX_NAME:
        return Link(0, "gone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
        try:
            index = _REQUEST.unpack(fcntl.ioctl(asking, _GET_INDEX, _REQUEST.pack(name.encode(), 0)))[1]
            flags = _FLAGS.unpack(fcntl.ioctl(asking, _GET_FLAGS, _FLAGS.pack(name.encode(), 0)))[1]
        except OSError as error:
            return Link(0, "gone" if error.errno in {errno.ENODEV, errno.ENXIO} else "not to be asked about")
    if not flags & _UP:
        return Link(index, "down")
    return Link(index, None if flags & _RUNNING else "without carrier")
