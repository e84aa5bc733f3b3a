"""Which hosts have a window: a segmented LRU, so that strangers displace strangers only.

A spoofed flood makes a new source with every packet. New hosts start in a probation segment and
move on once they have shown enough flows; each segment evicts its own least recently seen host.
"""

from collections import OrderedDict


class Hosts:
    """Which slot a host's window has: a segmented LRU over at most `capacity` slots."""

    def __init__(self, capacity: int) -> None:
        self._half = capacity // 2
        self._probation: OrderedDict[int, int] = OrderedDict()
        self._proven: OrderedDict[int, int] = OrderedDict()
        self._free = list(range(capacity - 1, -1, -1))
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._probation) + len(self._proven)

    def place(self, hosts: list[int]) -> tuple[list[int], list[int]]:
        """Return each host's slot, -1 for one that found none, and the slots that start empty.

        Of more newcomers than the probation segment holds, the last to appear stay.
        """
        slots = [self._touch(host) for host in hosts]
        strangers = [at for at, slot in enumerate(slots) if slot < 0]
        room = self._half - sum(
            slot >= 0 and host in self._probation for host, slot in zip(hosts, slots, strict=True)
        )
        turned_away = max(len(strangers) - room, 0)
        self.evicted += turned_away
        fresh = []
        for at in strangers[turned_away:]:
            slots[at] = self._admit(hosts[at])
            fresh.append(slots[at])
        return slots, fresh

    def _touch(self, host: int) -> int:
        for segment in (self._proven, self._probation):
            slot = segment.get(host)
            if slot is not None:
                segment.move_to_end(host)
                return slot
        return -1

    def _admit(self, host: int) -> int:
        if len(self._probation) >= self._half:
            self._evict(self._probation)
        slot = self._free.pop()
        self._probation[host] = slot
        return slot

    def prove(self, hosts: list[int]) -> None:
        """Move hosts out of probation."""
        for host in hosts:
            slot = self._probation.pop(host, None)
            if slot is not None:
                if len(self._proven) >= self._half:
                    self._evict(self._proven)
                self._proven[host] = slot

    def _evict(self, segment: OrderedDict[int, int]) -> None:
        self._free.append(segment.popitem(last=False)[1])
        self.evicted += 1
