"""What an attacker does so as not to be seen: goes slower, keeps no beat, hides among decoys.

Unlike the variants of a whole capture, these change the attack alone; ordinary traffic stays as it is.
What `padding` does is another of them.
"""

import random
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, merge
from ipaddress import ip_address
from pathlib import Path
from zlib import crc32

from detector.records import Category
from train.packets import ICMP, ICMPV6, TCP, UDP, Ends, Packet, PacketFile, ends, rewritten, text
from train.scene import Attacks, Told, attacks_of, is_attack
from train.variants import made_up, remember

_SECOND_US = 1_000_000
_ICMP_HEADER = 8

_Conversation = tuple[int, frozenset[tuple[bytes, int]]]
"""Protocol and both ends, whichever sends."""


class Slow:
    """The attack at another pace; all its attacks are moved away from the beginning of the first."""

    renames = False

    def __init__(self, told: Told, factor: float, path: Path) -> None:
        """Take what is to be slowed.

        Args:
            told: the truth.
            factor: every interval is multiplied by it.
            path: the capture; it is read twice at a time, so that nothing need be kept.
        """
        self.name, self.made = f"slow{factor:g}", {"slowed": factor}
        self._attacks, self._factor, self._path = Attacks(told), factor, path
        self._began = min(float(event["start"]) for event in self._attacks.events)

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        def of_attack(packet: Packet) -> bool:
            known = ends(packet.data, link)
            return known is not None and self._attacks.of(packet, known) is not None

        rest = (packet for packet in packets if not of_attack(packet))
        attack = (packet for packet in PacketFile(self._path) if of_attack(packet))
        yield from merge(rest, map(self._slowed, attack), key=lambda packet: packet.at_us)

    def _slowed(self, packet: Packet) -> Packet:
        return packet._replace(at_us=round(self._moved(packet.at_us / _SECOND_US) * _SECOND_US))

    def _moved(self, at: float) -> float:
        return max(self._began + (at - self._began) * self._factor, 0.0)

    def events(self, events: list[Told]) -> list[Told]:
        return [
            event | {at: self._moved(float(event[at])) for at in ("start", "end")}
            if is_attack(event)
            else event
            for event in events
        ]


class Jitter:
    """Each packet of an attacker delayed by a random time.

    Within a conversation none overtakes another, and an answer follows what it answers as soon as ever.
    """

    renames = False

    def __init__(self, told: Told, secs: float, seed: str) -> None:
        self.name, self.made = f"jitter{secs:g}s", {"jitter": secs}
        self._attacks, self._secs = Attacks(told), secs
        self._random = random.Random(seed)  # noqa: S311 - a draw that can be made again
        self._last: OrderedDict[_Conversation, tuple[int, int]] = OrderedDict()
        """By conversation: when its last packet left, and the delay of the attacker's last one."""

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        held: list[tuple[int, int, Packet]] = []  # what the longest delay can hold back, no more
        for number, packet in enumerate(packets):
            while held and held[0][0] <= packet.at_us:
                yield heappop(held)[2]
            known = ends(packet.data, link)
            found = self._attacks.of(packet, known) if known else None
            moved = self._delayed(packet, known, forth=found[1]) if known and found else packet
            heappush(held, (moved.at_us, number, moved))
        while held:
            yield heappop(held)[2]

    def _delayed(self, packet: Packet, known: Ends, *, forth: bool) -> Packet:
        key = _conversation(known)
        last, delay = self._last.get(key, (0, 0))
        if forth:
            delay = round(self._random.uniform(0, self._secs) * _SECOND_US)
        at_us = max(packet.at_us + delay, last)
        remember(self._last, key, (at_us, max(at_us - packet.at_us, 0)))
        return packet._replace(at_us=at_us)

    def events(self, events: list[Told]) -> list[Told]:
        return [
            event | {"end": float(event["end"]) + self._secs} if is_attack(event) else event
            for event in events
        ]


class Decoys:
    """Each probe of a scan sent again from made-up hosts, the true one somewhere among them (`nmap -D`).

    The victim answers all alike. What only who got the answer can send is not repeated. Decoys count as
    attackers: their packets are the scan's, nobody's ordinary life, and nobody can tell which is the true
    one. The truth names them as `decoys` too. Floods stay as they are: their senders need no answer.
    """

    renames = False

    def __init__(self, told: Told, count: int, seed: str) -> None:
        self.name, self.made = f"decoys{count}", {"decoys": count}
        self._attacks, self._count, self._first = Attacks(told), count, crc32(seed.encode())
        self._random = random.Random(seed)  # noqa: S311 - a draw that can be made again
        self._answered: OrderedDict[_Conversation, bool] = OrderedDict()
        self._sizes: list[set[int]] = [set() for _ in self._attacks.events]

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        for packet in packets:
            known = ends(packet.data, link)
            found = self._attacks.of(packet, known) if known else None
            if known is None or found is None or not self._repeats(known, *found):
                yield packet
                continue
            event, forth = found
            self._sizes[event].add(len(known.src))
            copies = [_as_of(packet, known, host, forth=forth) for host in self._hosts(event, len(known.src))]
            copies.insert(self._random.randint(0, len(copies)), packet)
            yield from copies

    def _repeats(self, known: Ends, event: int, forth: bool) -> bool:  # noqa: FBT001 - as found
        """Tell probes and their first answers from what follows them."""
        if self._attacks.events[event]["class"] != Category.RECON:
            return False
        if known.protocol not in (TCP, UDP):
            return True
        key = _conversation(known)
        answered = self._answered.get(key, False)
        remember(self._answered, key, answered or not forth)
        return not answered

    def _hosts(self, event: int, size: int) -> list[bytes]:
        first = self._first + event * self._count
        return [made_up(first + number, size) for number in range(self._count)]

    def events(self, events: list[Told]) -> list[Told]:
        numbers = iter(range(len(self._sizes)))
        return [self._told(event, next(numbers)) if is_attack(event) else event for event in events]

    def _told(self, event: Told, number: int) -> Told:
        decoys = [text(host) for size in sorted(self._sizes[number]) for host in self._hosts(number, size)]
        if not decoys:
            return event
        named = list(map(str, event["attackers"]))
        return event | {"decoys": decoys, "attackers": named if "*" in named else named + decoys}


def has_scan(told: Told) -> bool:
    """Tell whether a truth holds a scan, for decoys to hide."""
    return any(event["class"] == Category.RECON for event in attacks_of(told))


def _conversation(known: Ends) -> _Conversation:
    ports = known.ports or (0, 0)
    return known.protocol, frozenset(zip((known.src, known.dst), ports, strict=True))


def _as_of(packet: Packet, known: Ends, host: bytes, *, forth: bool) -> Packet:
    """Return a packet as if another had attacked; what an ICMP error quotes of the probe says so too."""
    made = rewritten(packet, known, src=host) if forth else rewritten(packet, known, dst=host)
    if forth or known.protocol not in (ICMP, ICMPV6):
        return made
    version = ip_address(host).version
    quoted = known.payload + _ICMP_HEADER + (12 if version == 4 else 8)  # noqa: PLR2004 - RFC 791, 8200
    if made.data[quoted : quoted + len(host)] != known.dst:
        return made
    return made._replace(data=made.data[:quoted] + host + made.data[quoted + len(host) :])
