"""The last scored windows of each host: how many of them agree."""

from collections import OrderedDict, deque
from collections.abc import Hashable

from detector.incidents.evidence import Evidence

_Vote = tuple[int, Evidence | None]


class Votes:
    """One short ring of votes for each voter with at least one attack among its last windows.

    Bounded: beyond `max_voters` the voter that was silent longest is forgotten, and counted.
    """

    def __init__(self, within: int, max_age_ms: int, max_voters: int) -> None:
        self._rings: OrderedDict[Hashable, deque[_Vote]] = OrderedDict()
        self.evicted = 0
        """Voters forgotten for want of room."""
        self.resize(within, max_age_ms, max_voters)

    def resize(self, within: int, max_age_ms: int, max_voters: int) -> None:
        """Keep that many votes of that many voters from now on; the newest of those that are there."""
        self._within, self._max_age_ms, self._max_voters = within, max_age_ms, max_voters
        for voter, ring in self._rings.items():
            self._rings[voter] = deque(ring, maxlen=within)
        while len(self._rings) > max_voters:
            self._rings.popitem(last=False)
            self.evicted += 1

    def __len__(self) -> int:
        return len(self._rings)

    def cast(self, voter: Hashable, evidence: Evidence | None, now_ms: int) -> list[Evidence]:
        """Count one scored window, `None` for one that accuses nobody.

        Returns:
            The evidence among the voter's last `within` windows, oldest first, this one included;
            windows of `max_age_ms` ago or older no longer count.
        """
        ring = self._rings.get(voter)
        if ring is None:
            if evidence is None:
                return []
            ring = self._rings[voter] = deque(maxlen=self._within)
        self._rings.move_to_end(voter)
        ring.append((now_ms, evidence))
        while ring[0][0] <= now_ms - self._max_age_ms:
            ring.popleft()
        accusing = [vote for _, vote in ring if vote is not None]
        if not accusing:
            del self._rings[voter]
        elif len(self._rings) > self._max_voters:
            self._rings.popitem(last=False)
            self.evicted += 1
        return accusing

    def clear(self) -> None:
        """Forget all votes."""
        self._rings.clear()
