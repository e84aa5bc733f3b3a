"""The meter's clock: packet time that only moves forward, whatever the stamps say.

The engine trusts a packet's stamp. One packet from the future would freeze its clock until the
world catches up; a clock set back would give every packet the same time. So a stamp that jumps
by more than a step waits for the next one: if time goes on from there, the jump was real, else the
packet is stamped with the time before it.
"""

import numpy as np
from numpy.typing import NDArray


class PacketClock:
    """Restamps packets so that time is monotone, and finds where it really started anew."""

    def __init__(self, max_step_ms: int | None) -> None:
        """Take jumps up to `max_step_ms` as they are; None trusts every stamp, as NFStream does."""
        self._max_step_ms = max_step_ms
        self.now_ms = -1
        """The latest packet time, -1 before the first packet."""
        self.restamped = 0
        """Packets whose lone stamp from the future or the past was replaced."""
        self.restarts = 0
        """Times at which the clock was really set back."""

    def settle(
        self, stamps: NDArray[np.uint64], *, final: bool = False
    ) -> tuple[NDArray[np.uint64], int | None]:
        """Return monotone times for the packets that are ready, and where the clock starts anew.

        Args:
            stamps: shape (n,), milliseconds, as captured.
            final: no further packet is to be waited for.

        Returns:
            times: shape (k,), k <= n. Packets after the k-th are to be offered again: one waits for
                its successor, or the clock starts anew at packet k.
            restart: k when packet k is the first of a new time, else None.
        """
        signed = stamps.astype(np.int64)
        if self.now_ms < 0 and len(signed):
            self.now_ms = int(signed[0])
        before = np.maximum.accumulate(np.concatenate(([self.now_ms], signed)))[:-1]
        jumps = np.abs(signed - before)
        if self._max_step_ms is None or not len(signed) or int(jumps.max()) <= self._max_step_ms:
            times = np.maximum(before, signed)
            self.now_ms = int(times[-1]) if len(times) else self.now_ms
            return times.astype(np.uint64), None
        return self._settle_jumps(signed.tolist(), self._max_step_ms, final=final)

    def _settle_jumps(
        self, stamps: list[int], step: int, *, final: bool
    ) -> tuple[NDArray[np.uint64], int | None]:
        times: list[int] = []
        restart = None
        for index, stamp in enumerate(stamps):
            if self.doubts(stamp):
                following = stamps[index + 1] if index + 1 < len(stamps) else None
                if following is None and not final:
                    break
                if stamp < self.now_ms and following is not None and following < self.now_ms - step:
                    restart = index
                    break
                if stamp < self.now_ms or (following is not None and following < stamp - step):
                    stamp = self.now_ms  # noqa: PLW2901 - a lone stamp, not a jump of the clock
                    self.restamped += 1
            self.now_ms = max(self.now_ms, stamp)
            times.append(self.now_ms)
        return np.array(times, np.uint64), restart

    def doubts(self, stamp: int) -> bool:
        """Tell whether a stamp is so far off that only its successor can confirm it."""
        return (
            self._max_step_ms is not None
            and self.now_ms >= 0
            and abs(stamp - self.now_ms) > self._max_step_ms
        )

    def start_anew(self, stamp: int) -> None:
        """Take `stamp` as the present although it lies before it."""
        self.now_ms = stamp
        self.restarts += 1

    def advance(self, now_ms: int) -> None:
        """Move on to a time at which no packet came."""
        self.now_ms = max(self.now_ms, now_ms)
