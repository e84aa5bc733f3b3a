"""Which hosts have a window: a segmented LRU, so that strangers displace strangers only.

A spoofed flood makes a new source with every packet. New hosts start in a probation segment and
move on once they have shown enough flows; each segment evicts its own least recently seen host.

All of it is arrays, because such a flood brings tens of thousands of hosts in one interval. Every
use of a slot gets a stamp, greater than all before it. A segment's order is a log of the stamps it
gave: an entry whose slot has a newer stamp by now is void, so the oldest entry in force names the
host to evict. Neither a use nor an eviction sorts or searches the whole segment. What a stranger
costs fell from 1.5 to 0.2 us against one ordered dictionary a segment.
"""

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
"""Shape (k,)."""

_LOOK = 64
"""Entries of a log looked at together, at least."""


class _Segment:
    """Slots, least recently used first."""

    def __init__(self, capacity: int, latest: NDArray[np.int64]) -> None:
        """Make room for twice the segment's `capacity`; `latest` is the stamp of each slot."""
        self._slots, self._stamps = np.zeros(4 * capacity, np.int64), np.zeros(4 * capacity, np.int64)
        self._latest = latest
        self._start = self._stop = 0
        self.count = 0
        """Slots in the segment; whoever moves one keeps count."""

    def use(self, slots: Slots, stamps: NDArray[np.int64]) -> None:
        """Put slots last, in their order."""
        if self._stop + len(slots) > len(self._slots):
            self._compact()
        at = slice(self._stop, self._stop + len(slots))
        self._slots[at], self._stamps[at] = slots, stamps
        self._stop = at.stop

    def pop(self, number: int) -> Slots:
        """Take out the `number` slots that were not used for longest, the first of them first."""
        found = [np.zeros(0, np.int64)]
        self.count -= number
        while number:
            at = slice(self._start, min(self._start + max(2 * number, _LOOK), self._stop))
            live = self._live(at)[:number]
            found.append(self._slots[at][live])
            number -= len(live)
            self._start = at.stop if number else self._start + int(live[-1]) + 1
        return np.concatenate(found)

    def _live(self, at: slice) -> NDArray[np.int64]:
        return np.flatnonzero(self._latest[self._slots[at]] == self._stamps[at])

    def _compact(self) -> None:
        """Drop void entries: at most a quarter is left, so that this comes once in three capacities."""
        live = self._live(slice(self._start, self._stop)) + self._start
        self._start, self._stop = 0, len(live)
        self._slots[: self._stop], self._stamps[: self._stop] = self._slots[live], self._stamps[live]


class Hosts:
    """Which slot a host's window has: a segmented LRU over at most `capacity` slots."""

    def __init__(self, capacity: int) -> None:
        self._half = capacity // 2
        # The index: known hosts in ascending order, and the slot of each.
        self._known, self._slot_of = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._host = np.zeros(capacity, np.uint64)
        self._latest = np.full(capacity, -1)
        self._is_proven = np.zeros(capacity, bool)
        self._probation = _Segment(self._half, self._latest)
        self._proven = _Segment(self._half, self._latest)
        self._free = np.arange(capacity - 1, -1, -1)
        self._stamp = 0
        self.evicted = 0

    def __len__(self) -> int:
        return self._probation.count + self._proven.count

    def place(self, hosts: NDArray[np.uint64]) -> tuple[Slots, Slots]:
        """Return each host's slot, -1 for one that found none, and the slots that start empty.

        The hosts, (k,), are different ones. Of more newcomers than the probation segment holds, the last
        to appear stay.
        """
        slots = self._find(hosts)
        known = slots[slots >= 0]
        waiting = len(known) - self._touch(known)
        if len(known) == len(hosts):
            return slots, np.zeros(0, np.int64)
        strangers = np.flatnonzero(slots < 0)
        turned_away = max(len(strangers) - (self._half - waiting), 0)
        self.evicted += turned_away
        admitted = strangers[turned_away:]
        slots[admitted] = fresh = self._admit(hosts[admitted])
        return slots, fresh

    def prove(self, slots: Slots) -> None:
        """Move hosts out of probation, given their slots."""
        moving = slots[~self._is_proven[slots]]
        if not len(moving):
            return
        self._is_proven[moving] = True
        self._probation.count -= len(moving)
        self._proven.count += len(moving)
        self._proven.use(moving, self._stamped(moving))
        gone = self._give_up(self._proven)
        if len(gone):
            self._forget(gone)
            self._free = np.concatenate([self._free, gone])

    def _find(self, hosts: NDArray[np.uint64]) -> Slots:
        if not len(self._known):
            return np.full(len(hosts), -1)
        at = np.minimum(np.searchsorted(self._known, hosts), len(self._known) - 1)
        return np.where(self._known[at] == hosts, self._slot_of[at], -1)

    def _touch(self, slots: Slots) -> int:
        """Note that slots were used, and return how many of them are proven."""
        stamps, proven = self._stamped(slots), self._is_proven[slots]
        number = int(np.count_nonzero(proven))
        if number:
            self._proven.use(slots[proven], stamps[proven])
        if number < len(slots):
            self._probation.use(slots[~proven], stamps[~proven])
        return number

    def _stamped(self, slots: Slots) -> NDArray[np.int64]:
        stamps = np.arange(self._stamp, self._stamp + len(slots))
        self._stamp += len(slots)
        self._latest[slots] = stamps
        return stamps

    def _admit(self, hosts: NDArray[np.uint64]) -> Slots:
        self._probation.count += len(hosts)
        gone = self._give_up(self._probation)
        if len(gone):
            self._forget(gone)
        unused = len(hosts) - len(gone)
        left = len(self._free) - unused
        slots = np.concatenate([self._free[left:][::-1], gone])
        self._free = self._free[:left]
        self._host[slots], self._is_proven[slots] = hosts, False
        self._probation.use(slots, self._stamped(slots))
        order = np.argsort(hosts)
        at = np.searchsorted(self._known, hosts[order])
        self._known = np.insert(self._known, at, hosts[order])
        self._slot_of = np.insert(self._slot_of, at, slots[order])
        return slots

    def _give_up(self, segment: _Segment) -> Slots:
        """Evict from a segment that holds more than its half."""
        gone = segment.pop(max(segment.count - self._half, 0))
        self.evicted += len(gone)
        return gone

    def _forget(self, slots: Slots) -> None:
        """Take the hosts of slots out of the index."""
        self._latest[slots] = -1
        at = np.searchsorted(self._known, self._host[slots])
        self._known, self._slot_of = np.delete(self._known, at), np.delete(self._slot_of, at)
