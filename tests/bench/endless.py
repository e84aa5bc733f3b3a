"""A flood for a pipe: `python -m tests.bench.endless SECS RATE` writes a pcap to standard output.

SYNs to one host, evenly spread over packet time, each of a source that no other packet has. One second at a
time is made and written, so that memory does not grow; it ends when the reader does.
"""

import os
import signal
import sys

import numpy as np
from numpy.typing import NDArray

from tests.bench.captures import VICTIM
from tests.bench.packets import HEADER, Packets, frames, make
from tests.traffic import EPOCH_MS, SYN

_STRIDE = 1_103_515_245
"""Odd, so that its multiples modulo a power of two take every value once."""


def sources(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an address for each packet; none comes twice among 2^31 packets."""
    return 0x0100_0000 + numbers * _STRIDE % 2**31


def second(number: int, rate: int) -> Packets:
    """Return the packets of one second, with times from its beginning."""
    numbers = np.arange(number * rate, (number + 1) * rate, dtype=np.int64)
    return make(
        (numbers - number * rate) * 1_000_000 // rate,
        src=sources(numbers),
        dst=VICTIM,
        src_port=1024 + numbers % 64_000,
        dst_port=80,
        flags=SYN,
    )


def main() -> None:
    """Write until done, or until nobody reads."""
    secs, rate = map(int, sys.argv[1:])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.write(1, HEADER)
    for number in range(secs):
        block = memoryview(frames(second(number, rate), since_micros=(EPOCH_MS + number * 1000) * 1000))
        while block:
            block = block[os.write(1, block) :]


if __name__ == "__main__":
    main()
