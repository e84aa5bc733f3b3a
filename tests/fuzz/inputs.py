"""Hostile inputs: good ones, changed a little, so that they get past the first check."""

import struct
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

PCAPS = Path(__file__).parents[1] / "pcaps"

_SIZES = [b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00"]
_PCAP_HEAD, _RECORD_HEAD = 24, 16
_KINDS = ("set", "insert", "cut", "copy", "end")

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "0", "-1", "1e400", "\x00", "\n", "sha256:", "10.0.0.1", "../../etc/passwd", "*"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def changed(samples: Sequence[bytes], words: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Give samples with up to six changes each; `words` mean something to the parser."""
    pieces = st.one_of(st.binary(max_size=8), st.sampled_from([*_SIZES, *words]))
    one = st.tuples(st.sampled_from(_KINDS), st.integers(0, 1 << 16), pieces)
    return st.builds(_apply, st.sampled_from(list(samples)), st.lists(one, min_size=1, max_size=6))


def variant(sample: bytes, random: Random) -> bytes:
    """Return a sample with a few more changes: a hundred times as fast as Hypothesis, and less clever."""
    pieces = [random.randbytes(random.randrange(5)), *_SIZES]
    changes = [
        (random.choice(_KINDS), random.randrange(1 << 16), random.choice(pieces))
        for _ in range(random.randrange(1, 4))
    ]
    return _apply(sample, changes)


def _apply(sample: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    content = bytearray(sample)
    for kind, where, piece in changes:
        # Half of all changes fall into the first 128 bytes, where most formats keep what matters.
        at = (where >> 1) % (min(len(content), 128) + 1 if where & 1 else len(content) + 1)
        if kind == "set":
            content[at : at + len(piece)] = piece
        elif kind == "insert":
            content[at:at] = piece
        elif kind == "cut":
            del content[at : at + 1 + len(piece)]
        elif kind == "copy":
            content[at:at] = content[: at // 2]
        else:
            del content[at:]
    return bytes(content)


@st.composite
def edited(draw: st.DrawFn, tree: Any) -> Any:
    """Give a JSON value with one part of it replaced, removed or doubled."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(tree)))
        copy = dict(tree)
        change = draw(st.integers(0, 9))
        if change == 0:
            del copy[key]
        elif change == 1:
            copy[draw(st.text(max_size=8))] = copy.pop(key)
        else:
            copy[key] = draw(edited(tree[key]))
        return copy
    if isinstance(tree, list) and tree and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(tree) - 1))
        return [*tree[:at], draw(edited(tree[at])), *tree[at : at + draw(st.integers(0, 2))], *tree[at + 1 :]]
    return draw(VALUES)


def small_captures() -> list[bytes]:
    """Return the beginnings of the captures that ship with the tests, some dozen packets each."""
    return [_first_packets(path.read_bytes(), 24) for path in sorted(PCAPS.glob("*.pcap"))]


def _first_packets(content: bytes, count: int) -> bytes:
    return content[:_PCAP_HEAD] + b"".join(head + frame for head, frame in _records(content)[:count])


def with_hostile_packets(captures: Sequence[bytes], random: Random) -> bytes:
    """Return one of the captures with up to four frames changed, and whole around them.

    A change anywhere in a capture mostly breaks it off there, so that few packets would be parsed after it.
    """
    content = random.choice(captures)
    records = _records(content)
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(records))
        head, frame = records[at]
        frame = variant(frame, random)
        order = _order(content)
        (size,) = struct.unpack_from(f"{order}I", head, 12)
        records[at] = head[:8] + struct.pack(f"{order}II", len(frame), max(len(frame), size)), frame
    return content[:_PCAP_HEAD] + b"".join(head + frame for head, frame in records)


def frames_of(capture: bytes) -> list[bytes]:
    """Return what a pcap file kept of each frame."""
    return [frame for _, frame in _records(capture)]


def _order(content: bytes) -> str:
    return "<" if content[:4] in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"} else ">"


def _records(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return what stands before each frame of a pcap file, and the frame."""
    order, at, found = _order(content), _PCAP_HEAD, []
    while at + _RECORD_HEAD <= len(content):
        begins = at + _RECORD_HEAD
        ends = begins + int(struct.unpack_from(f"{order}I", content, at + 8)[0])
        found.append((content[at:begins], content[begins:ends]))
        at = ends
    return found
