"""The allow-list: whose scans and floods are none of our business."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from detector.incidents.evidence import Evidence
from detector.records import Category, Role


@dataclass(frozen=True, slots=True)
class _Entry:
    network: IPv4Network | IPv6Network
    category: Category | None


class AllowList:
    """Attackers to be silent about, from entries `ADDRESS[/PREFIX]` or `ADDRESS[/PREFIX] CATEGORY`."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [_parse(entry) for entry in entries]

    def allows(self, evidence: Evidence) -> bool:
        """Whether the attacking side, the source of the exemplar flow, is allowed to do this.

        In a target's window of many sources the exemplar is one of them, and may be an ordinary
        client amid a flood. There it speaks for the others only if the entry names the category.
        """
        return any(_matches(entry, evidence) for entry in self._entries)


def _parse(text: str) -> _Entry:
    """Read one entry; `config` has checked it.

    Raises:
        ValueError: no address, network or category.
    """
    network, _, category = text.partition(" ")
    return _Entry(ip_network(network, strict=False), Category(category) if category else None)


def _matches(entry: _Entry, evidence: Evidence) -> bool:
    if evidence.exemplar.src not in entry.network:
        return False
    if entry.category is not None:
        return entry.category in {evidence.category, evidence.raised}
    return evidence.own.role is Role.SOURCE or evidence.shared
