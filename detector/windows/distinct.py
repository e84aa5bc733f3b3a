"""How many different ports and peers a host has had, in bounded memory: one bitmap each.

What is set is counted as it is set. Counting the bits of 8 kB for each window took 7 us of the 41 that
a window cost, and clearing the bitmaps of hosts that never had one took memory for each stranger.
"""

import numpy as np
from numpy.typing import NDArray

from detector.windows.groups import distinct

_BITS = 1 << 16
"""As many as there are ports, so that ports are counted exactly."""


class DistinctCounts:
    """A bitmap for each of many slots; memory is taken page by page as bits are set."""

    def __init__(self, slots: int) -> None:
        self._bits = np.zeros((slots, _BITS // 8), np.uint8)
        self._set = np.zeros(slots, np.int64)

    def clear(self, slots: NDArray[np.int64]) -> None:
        """Forget what some slots have seen, shape (k,)."""
        used = slots[self._set[slots] > 0]
        if len(used):
            self._bits[used] = 0
            self._set[used] = 0

    def add(self, slots: NDArray[np.int64], values: NDArray[np.uint64]) -> None:
        """Enter one value each, (n,), into the slots, (n,); only its lowest 16 bits count."""
        bit = (values & np.uint64(_BITS - 1)).astype(np.int64)
        byte, flag = bit >> 3, np.uint8(1) << (bit & 7).astype(np.uint8)
        new = np.flatnonzero(self._bits[slots, byte] & flag == 0)
        if len(new):
            new = new[distinct((slots[new] * _BITS + bit[new]).astype(np.uint64))]
            np.bitwise_or.at(self._bits, (slots[new], byte[new]), flag[new])
            np.add.at(self._set, slots[new], 1)

    def occupied(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many different values of 16 bits the slots, (k,), have seen."""
        return self._set[slots]

    def estimated(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return about how many different hashed values the slots have seen.

        Linear counting: n = -m ln(1 - k / m) for k of m bits set. Source: Whang, Vander-Zanden and
        Taylor, A linear-time probabilistic counting algorithm, ACM TODS 15(2), 1990.
        """
        free = np.maximum(_BITS - self.occupied(slots), 1) / _BITS
        return np.asarray(np.rint(-_BITS * np.log(free)), np.int64)
