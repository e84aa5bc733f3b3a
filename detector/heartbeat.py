"""A heartbeat that goes the way of the packets.

Once a second every worker is asked for a sign, which it gives at the end of a whole turn, with the flows it
hands over. When the signs of all workers were taken and the windows had the flows, the model is asked for
an answer that is known, in the thread that scores. Only then has the heart beaten: a timer would also tick
in a detector that sees nothing.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from detector.handover import Handover

BEAT_SECS = 1.0
"""From the beginning of one beat to that of the next."""

LATE_SECS = 2.5
"""A beat that stays in one stage for so long has got stuck."""


class Stuck(NamedTuple):
    """Where a beat has got stuck."""

    capture: str | None
    """The interface whose worker gives no sign; None: it is the scorer that gives no answer."""


class Heartbeat:
    """Sends one beat after the other on its way; asked every turn, it waits for nothing."""

    def __init__(
        self,
        workers: Sequence[tuple[str, Handover]],
        score: Callable[[], "Future[None]"],
        *,
        every_secs: float = BEAT_SECS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the interfaces' names and hand-overs; `score` asks the model, and fails with TimeoutError
        if its thread was given up."""
        self._workers, self._score, self._clock = workers, score, clock
        self._every_secs = every_secs
        self._due_at = self._turned_at = self._stage_at = clock()
        self._under_way = False
        self._answer: Future[None] | None = None
        self.beats = 0
        """Beats that passed every stage."""

    def turn(self) -> bool:
        """Go one stage on, after the windows had what was taken; return whether a beat is complete."""
        now = self._clock()
        if now - self._turned_at > BEAT_SECS:
            self._stage_at += now - self._turned_at  # we were held up, not they
        self._turned_at = now
        if not self._under_way:
            self._begin(now)
        elif self._answer is None:
            if self._silent() is None:
                self._answer, self._stage_at = self._score(), now
        elif self._answer.done():
            if isinstance(self._answer.exception(), TimeoutError):
                self._answer, self._stage_at = None, now  # who was asked is no more
                return False
            self._answer.result()
            self._under_way, self._answer = False, None
            self.beats += 1
            return True
        return False

    def _begin(self, now: float) -> None:
        if now < self._due_at:
            return
        self._under_way, self._stage_at, self._due_at = True, now, now + self._every_secs
        for _, handover in self._workers:
            handover.sign_asked = self.beats + 1

    def stuck(self) -> Stuck | None:
        """Return the stage in which the beat has been for `LATE_SECS` or longer."""
        if not self._under_way or self._clock() - self._stage_at < LATE_SECS:
            return None
        return Stuck(self._silent())

    def _silent(self) -> str | None:
        """Return an interface whose worker still owes its sign."""
        for name, handover in self._workers:
            if handover.sign_taken <= self.beats:
                return name
        return None
