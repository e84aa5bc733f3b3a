"""An attack laid into a benign capture: at another time and rate, from and to other addresses.

Only the packets of the attacks come along, in both directions. Attackers get made-up addresses that the
benign capture does not know, the host most attacked becomes one of its hosts, and whoever else was
attacked gets an address of that host's network.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from ipaddress import ip_address
from zlib import crc32

from detector.records import Category
from train.packets import Ends, Packet, PacketFile, ends, relinked, rewritten, text
from train.scene import Attacks, Scene, Told
from train.variants import MADE_UP, POOL, made_up

_SECOND_US = 1_000_000
_COUNTED = 1 << 16
_LISTED = 4096
"""More attackers than this are told as networks."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What must be known of a capture before packets are laid into it, or taken from it."""

    link: int
    first_us: int
    last_us: int
    hosts: Counter[bytes] = field(default_factory=Counter)
    """Packets by host: of either direction, or sent to the victims of an attack. The first so many hosts."""

    @property
    def seconds(self) -> float:
        return (self.last_us - self.first_us) / _SECOND_US


def survey(scene: Scene) -> Survey | None:
    """Look at a benign capture, or at the attacks of another; None if there is no such packet.

    Raises:
        UsageError: the capture cannot be read.
    """
    file, attacks = PacketFile(scene.source.path), Attacks(scene.told)
    first = last = None
    hosts: Counter[bytes] = Counter()
    for packet in file:
        known = ends(packet.data, file.link)
        found = attacks.of(packet, known) if known and attacks.events else None
        if known is None or (attacks.events and found is None):
            continue
        first = packet.at_us if first is None else min(first, packet.at_us)
        last = packet.at_us if last is None else max(last, packet.at_us)
        touched = (known.src, known.dst) if found is None else (known.dst if found[1] else known.src,)
        hosts.update(host for host in touched if host in hosts or len(hosts) < _COUNTED)
    return None if first is None or last is None else Survey(file.link, first, last, hosts)


class Mix:
    """One attack in one benign capture; serves once."""

    def __init__(self, attack: Scene, benign: Scene, surveys: tuple[Survey, Survey], seed: str) -> None:
        """Draw rate, time and victim from the seed.

        Args:
            attack: a capture with attacks.
            benign: a capture without.
            surveys: of both.
            seed: the same gives the same mix.
        """
        self._attack, self._benign = attack, benign
        self._from, self._into = surveys
        self._random = random.Random(seed)  # noqa: S311 - a draw that can be made again
        self._rate = 4.0 ** self._random.uniform(-1, 1)
        spare = self._into.seconds - self._from.seconds / self._rate
        latest = max(spare, self._into.seconds / 2)
        self._start_us = self._into.first_us + round(self._random.uniform(0, latest) * _SECOND_US)
        self._attacks = Attacks(attack.told)
        self._victims: dict[bytes, bytes] = {}
        self._attackers: dict[bytes, bytes] = {}
        self._used: list[set[bytes]] = [set() for _ in self._attacks.events]
        self._first = self._random.randrange(POOL)
        for size in (4, 16):
            self._choose_victim(size)
        self.name = f"in-{benign.source.path.stem}"
        self.made: Told = {"mixed_into": benign.source.name, "rate": round(self._rate, 4)}

    @property
    def link(self) -> int:
        return self._into.link

    def packets(self) -> Iterator[Packet]:
        """Give the packets of both, in the order of their times; the attack ends where the capture ends."""
        benign = iter(PacketFile(self._benign.source.path))
        yield from merge(benign, self._laid(), key=lambda packet: packet.at_us)

    def _laid(self) -> Iterator[Packet]:
        file = PacketFile(self._attack.source.path)
        for packet in file:
            known = ends(packet.data, file.link)
            found = self._attacks.of(packet, known) if known else None
            if known is None or found is None:
                continue
            since = (packet.at_us - self._from.first_us) / self._rate
            moved = packet._replace(at_us=self._start_us + round(since))
            if moved.at_us <= self._into.last_us:
                yield self._renamed(moved, known, *found)

    def _renamed(self, packet: Packet, known: Ends, event: int, forth: bool) -> Packet:  # noqa: FBT001 - as found
        attacker, victim = (known.src, known.dst) if forth else (known.dst, known.src)
        new, hit = self._attacker(attacker), self._victim(victim)
        self._used[event].add(new)
        packet = relinked(packet, known, self.link)
        moved = ends(packet.data, self.link)
        if moved is None:  # cannot be: the header came along
            return packet
        return rewritten(packet, moved, src=new if forth else hit, dst=hit if forth else new)

    def _attacker(self, host: bytes) -> bytes:
        if len(self._attackers) >= POOL and host not in self._attackers:
            return made_up(crc32(host), len(host))
        return self._attackers.setdefault(host, made_up(self._first + len(self._attackers), len(host)))

    def _victim(self, host: bytes) -> bytes:
        """Keep distinct victims distinct: the last two bytes stay, in the chosen host's network."""
        if host in self._victims or _is_group(host):
            return self._victims.get(host, host)
        chosen = self._victims.get(b"" if len(host) == 4 else b"6", host)  # noqa: PLR2004 - IPv4
        return chosen[:-2] + host[-2:]

    def _choose_victim(self, size: int) -> None:
        """Choose the host that is attacked most, and whom it becomes."""
        attacked = [host for host, _ in self._from.hosts.most_common() if len(host) == size]
        known = sorted(host for host in self._into.hosts if len(host) == size and not _is_group(host))
        own = [host for host in known if ip_address(host).is_private] or known
        chosen = self._random.choice(own) if own else made_up(self._first + POOL // 2, size)
        self._victims[b"" if size == 4 else b"6"] = chosen  # noqa: PLR2004 - IPv4
        if attacked and not _is_group(attacked[0]):
            self._victims[attacked[0]] = chosen

    def told(self) -> Told:
        """Return the truth of the mix, once its packets have passed."""
        attack, benign = self._attack.told, self._benign.told
        events = [
            event | {"attackers": _listed(used), "victims": ["*"]} | self._times(event)
            for event, used in zip(self._attacks.events, self._used, strict=True)
            if used
        ]
        licences = {str(told["licence"]) for told in (attack, benign)}
        layouts = {str(told["layout"]) for told in (attack, benign)}
        return {
            "origin": attack["origin"],
            "category": attack["category"],
            "licence": "; ".join(sorted(licences)),
            "layout": layouts.pop() if len(layouts) == 1 else "mixed",
            "default_class": str(Category.BENIGN),
            "events": events,
            "parents": [*attack["parents"], *benign["parents"]],
            "made": [*attack["made"], *benign["made"], self.made],
        }

    def _times(self, event: Told) -> dict[str, float]:
        began = self._from.first_us / _SECOND_US
        return {
            at: self._start_us / _SECOND_US + (float(event[at]) - began) / self._rate
            for at in ("start", "end")
        }


def _listed(used: Iterable[bytes]) -> list[str]:
    hosts = sorted(map(text, used))
    return hosts if len(hosts) <= _LISTED else list(MADE_UP)


def _is_group(host: bytes) -> bool:
    known = ip_address(host)
    return known.is_multicast or known.is_unspecified or host == b"\xff" * 4
