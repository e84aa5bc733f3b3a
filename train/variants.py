"""One capture seen otherwise: at another pace, with loss, cut short, one way only, behind a NAT, from more
or fewer attackers.

Each variant changes the packets of a capture as they pass, and says afterwards what became of its truth.
"""

import random
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from ipaddress import ip_network
from typing import Any, Protocol, TypeVar
from zlib import crc32

from train.packets import TCP, Ends, Packet, ends, rewritten, text
from train.scene import Attacks, Told, attacks_of, is_attack

_SECOND_US = 1_000_000
_KNOWN = 1 << 17
"""Pairs of hosts, or ports of a NAT, that are remembered; the one unused for longest is forgotten."""

_TEST_V4, _TEST_V6 = ip_network("198.18.0.0/15"), ip_network("2001:db8::/32")
"""Addresses that stand for nobody: RFC 2544's for benchmarks, RFC 3849's for documentation."""

MADE_UP = (str(_TEST_V4), str(_TEST_V6))
POOL = _TEST_V4.num_addresses
"""So many different ones can be made up."""

_FIRST_PORT, _PORTS = 1024, 64_512
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Variant(Protocol):
    """A way to see a capture otherwise; serves for one capture."""

    name: str
    """Ends the file's name."""
    made: Told
    """What the truth says was done."""
    renames: bool
    """Whether attackers change, so that DoS and DDoS must be told apart anew."""

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        """Give the packets of the variant, in the order of those of the capture."""

    def events(self, events: list[Told]) -> list[Told]:
        """Return the events of the variant, once its packets have passed."""


class Stretch:
    """Every interval multiplied: the slow flood and the fast scan that nobody recorded."""

    renames = False

    def __init__(self, factor: float) -> None:
        self.name, self.made = f"x{factor:g}", {"stretched": factor}
        self._factor = factor
        self._began_us: int | None = None

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:  # noqa: ARG002 - whatever link
        for packet in packets:
            began = self._began_us = packet.at_us if self._began_us is None else self._began_us
            yield packet._replace(at_us=max(began + round((packet.at_us - began) * self._factor), 0))

    def events(self, events: list[Told]) -> list[Told]:
        began = (self._began_us or 0) / _SECOND_US
        return [
            event | {at: began + (float(event[at]) - began) * self._factor for at in ("start", "end")}
            for event in events
        ]


class Thin:
    """Some packets lost on the way, each with the same chance."""

    renames = False

    def __init__(self, loss: float, seed: str) -> None:
        self.name, self.made = f"loss{100 * loss:g}", {"loss": loss}
        self._loss, self._random = loss, random.Random(seed)  # noqa: S311 - a draw that can be made again

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:  # noqa: ARG002 - whatever link
        return (packet for packet in packets if self._random.random() >= self._loss)

    def events(self, events: list[Told]) -> list[Told]:
        return events


class Cut:
    """Nothing but the first seconds."""

    renames = False

    def __init__(self, seconds: float) -> None:
        self.name, self.made = f"cut{seconds:g}s", {"cut": seconds}
        self._seconds = seconds
        self._began_us: int | None = None

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:  # noqa: ARG002 - whatever link
        for packet in packets:
            began = self._began_us = packet.at_us if self._began_us is None else self._began_us
            if packet.at_us < began + self._seconds * _SECOND_US:
                yield packet

    def events(self, events: list[Told]) -> list[Told]:
        until = (self._began_us or 0) / _SECOND_US + self._seconds
        return [
            event | {"end": min(float(event["end"]), until)}
            for event in events
            if float(event["start"]) < until
        ]


class OneWay:
    """What those send who begin, and no reply: half of an asymmetric route."""

    name, renames = "oneway", False

    def __init__(self) -> None:
        self.made: Told = {"one_way": True}
        self._begun: OrderedDict[tuple[bytes, bytes], bool] = OrderedDict()

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        for packet in packets:
            known = ends(packet.data, link)
            if known is None:
                yield packet
                continue
            pair = (known.src, known.dst)
            if pair[::-1] not in self._begun:
                remember(self._begun, pair, value=True)
                yield packet

    def events(self, events: list[Told]) -> list[Told]:
        return events


class Nat:
    """Several hosts behind one address: the attackers, or all who only begin conversations.

    As seen from outside: what they say to each other does not pass, and their ports are the NAT's.
    """

    name, renames = "nat", True

    def __init__(self, inside: Iterable[bytes], seed: str) -> None:
        self._inside = set(inside)
        self.made: Told = {"nat": len(self._inside)}
        self._outer = {size: made_up(crc32(seed.encode()), size) for size in (4, 16)}
        self._ports: OrderedDict[tuple[bytes, int, int], int] = OrderedDict()
        self._next = 0

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        for packet in packets:
            known = ends(packet.data, link)
            sent, got = (
                known is not None and known.src in self._inside,
                known is not None and known.dst in self._inside,
            )
            if known is None or not (sent or got):
                yield packet
            elif not (sent and got):
                yield self._translated(packet, known, sent=sent)

    def _translated(self, packet: Packet, known: Ends, *, sent: bool) -> Packet:
        host, outer = (known.src if sent else known.dst), self._outer[len(known.src)]
        port = None
        if known.ports is not None:
            key = (host, known.protocol, known.ports[0 if sent else 1])
            if key not in self._ports:
                self._next = (self._next + 1) % _PORTS
            port = remember(self._ports, key, self._ports.get(key, _FIRST_PORT + self._next))
        if sent:
            return rewritten(packet, known, src=outer, sport=port)
        return rewritten(packet, known, dst=outer, dport=port)

    def events(self, events: list[Told]) -> list[Told]:
        inside = {text(host) for host in self._inside}
        outer = sorted({text(self._outer[len(host)]) for host in self._inside})
        return [
            event | {end: _replaced(event[end], inside, outer) for end in ("attackers", "victims")}
            for event in events
        ]


class Attackers:
    """The same attack from another number of hosts.

    Of many, each becomes one of the few; of few, each is spread: TCP by its ports, so that connections stay
    whole, all else packet by packet. Replies follow.
    """

    renames = True

    def __init__(self, told: Told, count: int, seed: str) -> None:
        self.name, self.made = f"from{count}", {"attackers": count}
        self._attacks = Attacks(told)
        self._count, self._first = count, crc32(seed.encode())
        listed = [hosts.singles for hosts in self._attacks.attackers]
        self._places = [
            None if hosts is None else {host: place for place, host in enumerate(hosts)} for hosts in listed
        ]
        self._used: list[set[bytes]] = [set() for _ in listed]
        self._turn = 0
        self._last: OrderedDict[bytes, bytes] = OrderedDict()

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        for packet in packets:
            known = ends(packet.data, link)
            found = self._attacks.of(packet, known) if known else None
            if known is None or found is None:
                yield packet
                continue
            event, forth = found
            bot = self._bot(event, known, forth=forth)
            self._used[event].add(bot)
            yield rewritten(packet, known, src=bot) if forth else rewritten(packet, known, dst=bot)

    def _bot(self, event: int, known: Ends, *, forth: bool) -> bytes:
        attacker = known.src if forth else known.dst
        places = self._places[event]
        if places is None or len(places) >= self._count:
            place = crc32(attacker) if places is None else places[attacker]
            return self._address(event, place % self._count, len(attacker))
        share = range(places[attacker], self._count, len(places))
        if known.protocol == TCP and known.ports is not None:
            own, other = known.ports if forth else known.ports[::-1]
            return self._address(event, share[crc32(b"%d %d" % (own, other)) % len(share)], len(attacker))
        if forth or attacker not in self._last:
            self._turn += 1
            bot = self._address(event, share[self._turn % len(share)], len(attacker))
            return remember(self._last, attacker, bot)
        return self._last[attacker]

    def _address(self, event: int, number: int, size: int) -> bytes:
        return made_up(self._first + event * self._count + number, size)

    def events(self, events: list[Told]) -> list[Told]:
        changed = [
            attack | {"attackers": sorted(map(text, used))} if used else attack
            for attack, used in zip(attacks_of({"events": events}), self._used, strict=True)
        ]
        rest = iter(changed)
        return [next(rest) if is_attack(event) else event for event in events]


def made_up(number: int, size: int) -> bytes:
    """Return one of `POOL` addresses that stand for nobody, of 4 or 16 bytes."""
    network = _TEST_V4 if size == 4 else _TEST_V6  # noqa: PLR2004 - bytes of an IPv4 address
    return network[number % POOL].packed


def clients(packets: Iterable[Packet], link: int) -> list[bytes]:
    """Return the hosts that began conversations and were asked for nothing."""
    begun: OrderedDict[tuple[bytes, bytes], bool] = OrderedDict()
    for packet in packets:
        known = ends(packet.data, link)
        if known is not None and (known.dst, known.src) not in begun:
            remember(begun, (known.src, known.dst), value=True)
    asked = {pair[1] for pair in begun}
    return sorted({pair[0] for pair in begun} - asked)


def attackers(told: Told) -> list[bytes] | None:
    """Return the attackers of a truth, or None if there may be more than are named."""
    found = [hosts.singles for hosts in Attacks(told).attackers]
    if not found or None in found:
        return None
    return sorted({host for hosts in found for host in hosts or []})


def remember(memory: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _KNOWN:
        memory.popitem(last=False)
    return value


def _replaced(named: list[Any], inside: set[str], outer: list[str]) -> list[str]:
    kept = [str(end) for end in named if str(end) not in inside]
    return kept if len(kept) == len(named) else sorted({*kept, *outer})
