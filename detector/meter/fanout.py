"""Several captures of one interface: the kernel gives all packets of a flow to one of them.

Linux spreads packets over the sockets of a fanout group by a hash of addresses, ports and protocol that
is the same for both directions, so that no flow is cut in two. Fragments are spread by addresses alone:
a flow of which some packets are fragments and some are not may be seen as two.
"""

import os
import socket
from threading import Lock

from detector.errors import CaptureError

_SOL_PACKET, _PACKET_FANOUT = 263, 18
_BY_FLOW, _UNIQUE = 0, 0x2000
"""PACKET_FANOUT_HASH and PACKET_FANOUT_FLAG_UNIQUEID, of linux/if_packet.h: another process that took the
same number would silently get a share of our packets."""


class Fanout:
    """A group of captures, made by the first that joins and gone with the last that leaves."""

    def __init__(self, name: str) -> None:
        """Take the interface's name, for the sentence that says what is wrong."""
        self._name = name
        self._lock = Lock()
        self._members = 0
        self._number = 0

    def join(self, descriptor: int) -> None:
        """Add a packet socket that is bound to the interface.

        Raises:
            CaptureError: the kernel has no fanout.
        """
        with self._lock, socket.socket(fileno=os.dup(descriptor)) as packets:
            wanted = _BY_FLOW << 16 | self._number if self._members else (_BY_FLOW | _UNIQUE) << 16
            try:
                packets.setsockopt(_SOL_PACKET, _PACKET_FANOUT, wanted)
            except OSError as error:
                raise CaptureError(
                    f"{self._name}: cannot be shared by several workers ({error.strerror}); "
                    "set [capture] workers = 1"
                ) from error
            self._number = packets.getsockopt(_SOL_PACKET, _PACKET_FANOUT) & 0xFFFF
            self._members += 1

    def leave(self) -> None:
        """Say that a member's socket was closed."""
        with self._lock:
            self._members -= 1
