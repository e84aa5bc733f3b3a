"""What the command line chose, as every part of the suite gets it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure."""

    folder: Path
    """For captures and alerts; emptied at the end."""
    bundle: Path | None
    """None: the one that comes with the program."""
    rounds: int
    """Of which the best counts."""
    hour_secs: int
    """Packet time that `hour` lasts."""
    hour_rate: int
    """SYNs a second of packet time in `hour`."""

    @property
    def bundle_words(self) -> list[str]:
        """Return the bundle as words for `iotids-detect`."""
        return ["--bundle", str(self.bundle)] if self.bundle else []
