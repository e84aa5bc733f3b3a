"""What can be said of the detector's own state, once a second: to the log when it changes, and as one line.

Everything is read off the metrics and the workers, so that log, metrics and the service's state agree.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detector.logs import LOGGER, Seldom
from detector.metrics import Metrics, families
from detector.metrics.families import Family

_Series = Mapping[tuple[str, ...], float]
_Values = Mapping[Family, _Series]

_TOLD_BY_WORKER = ("gone", "not open")
"""Troubles that come with the loss of a capture, of which the worker speaks."""


@dataclass(slots=True)
class _Interface:
    """What was seen of an interface last, and what was said of it."""

    warn: Seldom
    warn_of_drops: Seldom
    trouble: str | None = None
    told: bool = False
    since: float = 0.0
    """Of the present state, by the clock."""
    packets: float = 0.0
    packet_at: float = 0.0
    dropped: float = 0.0


class Health:
    """Compares each second with the one before."""

    def __init__(
        self, metrics: Metrics, silent_after_secs: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the metrics to read, and after how long an interface without a packet is called silent."""
        self._metrics, self.silent_after_secs, self._clock = metrics, silent_after_secs, clock
        self._interfaces: dict[str, _Interface] = {}
        self._looked_at = clock()
        self._packets = 0.0

    def look(self, troubles: Mapping[str, str | None]) -> str:
        """Log what has changed, and return the state as one line.

        `troubles` says of each interface why no packet can come from it; None where one can.
        """
        now, values = self._clock(), self._metrics.values()
        told = [self._interface(name, trouble, now, values) for name, trouble in troubles.items()]
        packets = _total(values[families.PACKETS])
        rate = max(packets - self._packets, 0) / max(now - self._looked_at, 1e-3)
        self._packets, self._looked_at = packets, now
        lost = sum(map(_total, (values[families.PACKETS_DROPPED], values[families.FLOWS_DROPPED])))
        parts = [
            f"{rate:,.0f} packets/s",
            f"{_total(values[families.ACTIVE_FLOWS]):,.0f} flows",
            f"{_total(values[families.OPEN_INCIDENTS]):,.0f} incidents open",
            f"{lost:,.0f} lost",
        ]
        return f"{', '.join(parts)}; {', '.join(told)}"

    def _interface(self, name: str, trouble: str | None, now: float, values: _Values) -> str:
        """Look at one interface; return its name and state."""
        if name not in self._interfaces:
            warn, warn_of_drops = Seldom(self._clock), Seldom(self._clock)
            self._interfaces[name] = _Interface(warn, warn_of_drops, since=now, packet_at=now)
        seen = self._interfaces[name]
        packets = values[families.PACKETS].get((name,), 0.0)
        if packets != seen.packets or trouble is not None:
            seen.packets, seen.packet_at = packets, now
        silent = trouble is None and now - seen.packet_at >= self.silent_after_secs
        self._change(name, seen, "silent" if silent else trouble, now)
        self._drops(name, seen, _of(values[families.PACKETS_DROPPED], name))
        if silent:
            return f"{name} silent for {now - seen.packet_at:,.0f} s"
        return f"{name} {trouble or 'up'}"

    def _change(self, name: str, seen: _Interface, trouble: str | None, now: float) -> None:
        """Say what has changed; of trouble that comes and goes, once in a while."""
        if trouble == seen.trouble:
            return
        if trouble is None:
            if seen.told:
                LOGGER.info("%s is seen again, after %.0f s.", name, now - seen.since)
            seen.told = False
        elif trouble in _TOLD_BY_WORKER:
            seen.told = True
        elif seen.warn.due():
            text = f"is {trouble}: nothing can be seen on it"
            if trouble == "silent":
                text = f"has brought no packet for {self.silent_after_secs:g} s: see where it is plugged in"
            LOGGER.warning("%s %s.", name, text)
            seen.told = True
        if seen.trouble is None or trouble is None:
            seen.since = now
        seen.trouble = trouble

    def _drops(self, name: str, seen: _Interface, dropped: float) -> None:
        if dropped > seen.dropped and seen.warn_of_drops.due():
            LOGGER.warning(
                "%s: %.0f packets were lost; see [capture] buffer_bytes and workers.",
                name,
                dropped - seen.dropped,
            )
            seen.dropped = dropped


def _total(series: _Series) -> float:
    return sum(series.values())


def _of(series: _Series, name: str) -> float:
    """Add up the series of one interface."""
    return sum(value for labels, value in series.items() if labels[0] == name)
