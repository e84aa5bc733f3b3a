"""What the captures of one flow table have read and lost."""

from collections import Counter
from threading import Lock

from detector.meter import IGNORED_REASONS, Capture


class CaptureTotals:
    """Adds up the captures that one flow table had, one after the other; any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._past: Counter[tuple[str, str]] = Counter()
        self._current: Capture | None = None

    def follow(self, capture: Capture) -> None:
        """Count another capture from here on."""
        with self._lock:
            self._past.update(self._counts())
            self._current = capture

    def now(self) -> tuple[int, dict[str, int], dict[str, int]]:
        """Return packets read, those ignored by reason, and those dropped by stage."""
        with self._lock:
            counts = self._past + self._counts()
        ignored = {reason: counts["ignored", reason] for reason in IGNORED_REASONS}
        dropped = {stage: counts["dropped", stage] for stage in ("kernel", "interface")}
        return counts["packets", ""], ignored, dropped

    def _counts(self) -> Counter[tuple[str, str]]:
        if self._current is None:
            return Counter()
        kernel, interface = self._current.drops()
        counts = Counter({("packets", ""): self._current.packets})
        ignored = dict(self._current.ignored)  # a copy in one step: a worker may add to it
        counts.update({("ignored", reason): number for reason, number in ignored.items()})
        counts.update({("dropped", "kernel"): kernel, ("dropped", "interface"): interface})
        return counts
