"""Why a capture cannot be read, in words: what was found, and what to do about it."""

import socket
from pathlib import Path

from detector.meter.engine import pcap


def text(message: bytes | None) -> str:
    """Return what libpcap said."""
    return (message or b"").decode("utf-8", "replace").strip()


def file_problem(path: str) -> str | None:
    """Say why a file cannot be opened, and what to do about it; None where it can."""
    try:
        # To open a pipe and close it again would cut off who writes to it.
        if not Path(path).is_fifo():
            Path(path).open("rb").close()
    except IsADirectoryError:
        return "is a directory; name the capture files in it"
    except OSError as error:
        return f"{(error.strerror or 'cannot be read').lower()}; name a pcap or pcapng file that can be read"
    except ValueError:  # a NUL
        return "no file can have such a name; name a pcap or pcapng file"
    return None


def activation_problem(name: str, handle: int, status: int) -> str:
    """Say why an interface could not be opened, and what to do about it."""
    detail = text(pcap.pcap_geterr(handle)) or text(pcap.pcap_statustostr(status))
    if name not in {"any", *(known for _, known in socket.if_nameindex())}:
        return f"{name}: no such interface; `ip link` lists the interfaces of this machine"
    if status in (-8, -11):  # PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED
        return (
            f"{name}: capturing needs CAP_NET_RAW; run as root, or as a service "
            "with AmbientCapabilities=CAP_NET_RAW"
        )
    return f"{name}: cannot be captured from ({detail})"
