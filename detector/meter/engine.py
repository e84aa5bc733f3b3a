"""The metering engine: NFStream's C library, its structures and the libpcap inside it.

`nfstream` wraps an extension module that holds nDPI, libpcap and the flow arithmetic. Importing the
extension alone costs 1 ms and 10 MB; `import nfstream` would bring pandas: 0.24 s and 70 MB.

The extension also exports the libpcap it was linked with. Opening captures through it, instead of
through the engine's own wrappers, gives three things that they hide: libpcap's own error texts, a
file descriptor to wait on (so that a quiet link blocks nothing), and the read timeout.
"""

import ctypes
from typing import Any

import numpy as np
from _lib_engine import ffi as ffi  # noqa: PLC0414 - passed on to the rest of the meter
from _lib_engine import lib as lib  # noqa: PLC0414 - likewise

from detector.errors import CaptureError
from detector.records import FLOW_DTYPE, FlowBatch, mapped_ipv4

ENGINE_VERSION = "6.6.0"
"""The one NFStream release whose structures and arithmetic this module was proven against."""

SINGLE_FILE, INTERFACE = 0, 1
"""The engine's capture modes."""

PACKET, IGNORED, NOTHING, END = 1, 0, -1, -2
"""What `capture_next` returns; NOTHING also stands for a read error."""

TCP = 6
FIN_BIT, SYN_BIT, RST_BIT, ACK_BIT = 1, 2, 4, 16
"""Bits of the packet's flag word, as the compiler lays out the structure's bit field."""


def _fields(struct: str) -> dict[str, Any]:
    return dict(ffi.typeof(f"struct {struct}").fields)


def _dtype(struct: str, names: list[str], size: int) -> np.dtype[np.void]:
    """Describe some fields of a C structure as a NumPy dtype of `size` bytes."""
    known = _fields(struct)
    formats: list[Any] = []
    for name in names:
        kind, length = known[name].type, 1
        if kind.kind == "array":
            kind, length = kind.item, kind.length
        code = "f8" if kind.cname == "double" else f"u{ffi.sizeof(kind)}"
        formats.append(code if length == 1 else (code, length))
    offsets = [known[name].offset for name in names]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})


def _check() -> None:
    """Refuse an engine whose version or structures are not the ones that were proven.

    Raises:
        CaptureError: naming what was found and what is needed.
    """
    version = ffi.string(lib.engine_lib_version()).decode()
    if version != ENGINE_VERSION:
        raise CaptureError(f"NFStream {version} is installed; this release needs nfstream=={ENGINE_VERSION}")
    missing = [name for name in COPIED if name not in _fields("nf_flow")]
    if missing:
        raise CaptureError(
            f"NFStream's flow structure lacks {', '.join(missing)}; reinstall nfstream=={version}"
        )


_OURS = ("expiration_id", "export_ms", "source")
COPIED = [name for name in FLOW_DTYPE.names or () if name not in _OURS]
"""The fields that both structures have."""
_check()


def flow_offset(name: str) -> int:
    """Return where a field stands in `struct nf_flow`."""
    return int(_fields("nf_flow")[name].offset)


FLOW_BYTES = flow_offset("splt_direction")
"""The part of `struct nf_flow` that holds numbers; pointers and texts come after it."""

_RAW_FLOW = _dtype("nf_flow", COPIED, FLOW_BYTES)
PACKET_DTYPE = _dtype(
    "nf_packet",
    [
        "time",
        "src_ip",
        "dst_ip",
        "src_port",
        "dst_port",
        "ip_version",
        "protocol",
        "vlan_id",
        "fin",
        "tunnel_id",
    ],
    ffi.sizeof("struct nf_packet"),
)
"""A parsed packet; `fin` is the whole flag word."""

_SIDED = [name.removeprefix("src2dst_") for name in COPIED if name.startswith("src2dst_")]
SWAPPED = [(f"src2dst_{name}", f"dst2src_{name}") for name in _SIDED] + [
    (f"src_{name}", f"dst_{name}") for name in ("ip", "mac", "port")
]
"""Fields of the two directions, which change places in a flipped flow."""

DEVIATIONS = [
    (f"{direction}_stddev_{unit}", f"{direction}_packets", degrees)
    for direction in ("bidirectional", "src2dst", "dst2src")
    for unit, degrees in (("ps", 1), ("piat_ms", 2))
]
"""Sums of squared deviations, the counts beside them, and the degrees of freedom they lose."""


def to_flows(raw: memoryview, count: int, flipped: list[int]) -> FlowBatch:
    """Turn `count` copied `struct nf_flow`s into a `FlowBatch`.

    Sums of squared deviations become sample deviations as `nfstream.NFlow.sync` does it: over n - 1
    sizes, over n - 2 inter-arrival times. Rows in `flipped` have their two directions exchanged.
    """
    source = np.frombuffer(raw, _RAW_FLOW, count)
    flows = np.zeros(count, FLOW_DTYPE)
    for name in COPIED:
        flows[name] = source[name]
    four = source["ip_version"] == 4  # noqa: PLR2004 - the IP version
    for name in ("src_ip", "dst_ip"):
        flows[name][four] = mapped_ipv4(source[name][four, 0])
    for name, packets, lost in DEVIATIONS:
        degrees = flows[packets].astype(np.int64) - lost
        flows[name] = np.sqrt(np.where(degrees > 0, flows[name] / np.maximum(degrees, 1), 0.0))
    if flipped:
        rows = np.array(flipped)
        for one, other in SWAPPED:
            flows[one][rows], flows[other][rows] = flows[other][rows], flows[one][rows].copy()
    return flows


class _StatStruct(ctypes.Structure):
    _fields_ = (
        ("received", ctypes.c_uint),
        ("dropped", ctypes.c_uint),
        ("dropped_by_interface", ctypes.c_uint),
    )


def _pcap() -> ctypes.CDLL:
    """Bind the libpcap functions that the extension module exports."""
    # The engine's own path: another libpcap on the machine would not know its handles.
    import _lib_engine  # noqa: PLC0415

    library = ctypes.CDLL(_lib_engine.__file__)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "pcap_open_offline": (handle, [text, text]),
        "pcap_create": (handle, [text, text]),
        "pcap_activate": (number, [handle]),
        "pcap_set_buffer_size": (number, [handle, number]),
        "pcap_set_promisc": (number, [handle, number]),
        "pcap_set_snaplen": (number, [handle, number]),
        "pcap_set_timeout": (number, [handle, number]),
        "pcap_setnonblock": (number, [handle, number, text]),
        "pcap_get_selectable_fd": (number, [handle]),
        "pcap_datalink": (number, [handle]),
        "pcap_datalink_val_to_name": (text, [number]),
        "pcap_file": (handle, [handle]),
        "pcap_geterr": (text, [handle]),
        "pcap_statustostr": (text, [number]),
        "pcap_stats": (number, [handle, ctypes.POINTER(_StatStruct)]),
        "pcap_close": (None, [handle]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


pcap = _pcap()
"""libpcap, with handles as plain addresses."""


def stats(handle: int) -> tuple[int, int, int]:
    """Return packets received, dropped by the kernel, dropped by the interface; zeros for a file."""
    counts = _StatStruct()
    if pcap.pcap_stats(handle, ctypes.byref(counts)) != 0:
        return 0, 0, 0
    return counts.received, counts.dropped, counts.dropped_by_interface
