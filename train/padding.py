"""An attacker's packets with bytes of no meaning at their end (`nmap --data-length`, `hping3 -d`)."""

import random
import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from scapy.utils import checksum

from train.packets import ICMP, ICMPV6, TCP, UDP, Ends, Packet, ends
from train.scene import Attacks, Told
from train.variants import remember

MTU_BYTES = 1500
"""Of Ethernet: the longest IP packet there is."""

_LEAST_FRAME = 60
_HEADERS = {TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8}
_CHECKSUMS = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}
"""Where the checksum stands in the header."""

_ECHO_REQUESTS, _ECHO_REPLIES = {(ICMP, 8), (ICMPV6, 128)}, {(ICMP, 0), (ICMPV6, 129)}
_SYN_RST, _ACK = 0x06, 0x10
_SEQUENCE, _ACKNOWLEDGED, _FLAGS = 4, 8, 13
_WORD, _LONG = struct.Struct(">H"), struct.Struct(">I")

_Flow = tuple[bytes, bytes, int, int]


class Padding:
    """Each packet of an attacker grown by random bytes, as far as the MTU lets it.

    Lengths and checksums are made right, TCP's sequence numbers follow, and an echo is answered with what it
    brought. Fragments stay as they are. Of packets that the capture cut short only the lengths grow.
    """

    renames = False

    def __init__(self, told: Told, most: int, seed: str) -> None:
        """Take whose packets grow, and by how many bytes at most: each by a number drawn evenly from 1."""
        self.name, self.made = f"pad{most}", {"padding": most}
        self._attacks, self._most, self._seed = Attacks(told), most, seed
        self._random = random.Random(seed)  # noqa: S311 - a draw that can be made again
        self._grown: OrderedDict[_Flow, int] = OrderedDict()
        """Bytes by which the attacker's side of a TCP connection is ahead."""

    def packets(self, packets: Iterable[Packet], link: int) -> Iterator[Packet]:
        for packet in packets:
            known = ends(packet.data, link)
            found = self._attacks.of(packet, known) if known else None
            if known is None or found is None or not _can_grow(packet, known):
                yield packet
            else:
                yield self._padded(packet, known, forth=found[1])

    def events(self, events: list[Told]) -> list[Told]:
        return events

    def _padded(self, packet: Packet, known: Ends, *, forth: bool) -> Packet:
        size = _size(packet.data, known)
        extra = self._bytes(packet.data, known, forth=forth)[: max(MTU_BYTES - size, 0)]
        end = known.header + size
        whole = len(packet.data) >= end
        data = bytearray(packet.data[:end])
        if known.protocol == TCP:
            self._follow(data, known, len(extra), forth=forth)
        data += extra if whole else b""
        _set_lengths(data, known, len(extra))
        if whole:
            _set_checksum(data, known)
        if not extra:
            return packet._replace(data=bytes(data) + packet.data[end:])
        least = min(packet.length, _LEAST_FRAME)
        length = max(end + len(extra), least)
        return packet._replace(data=bytes(data).ljust(least if whole else 0, b"\0"), length=length)

    def _bytes(self, data: bytes, known: Ends, *, forth: bool) -> bytes:
        kind, at = (known.protocol, data[known.payload]), known.payload + 4
        if known.protocol in (ICMP, ICMPV6):
            if kind not in (_ECHO_REQUESTS if forth else _ECHO_REPLIES):
                return b""
            # By identifier and number, so that the reply brings back what its request brought.
            draw = random.Random(f"{self._seed} {data[at : at + 4].hex()}")  # noqa: S311 - as above
            return draw.randbytes(draw.randint(1, self._most))
        return self._random.randbytes(self._random.randint(1, self._most)) if forth else b""

    def _follow(self, data: bytearray, known: Ends, extra: int, *, forth: bool) -> None:
        """Let sequence numbers count what was added; what comes with a SYN does not count."""
        ports = known.ports or (0, 0)
        flags = data[known.payload + _FLAGS]
        key = (known.src, known.dst, *ports) if forth else (known.dst, known.src, *ports[::-1])
        ahead = self._grown.get(key, 0)
        if forth or flags & _ACK:
            at = known.payload + (_SEQUENCE if forth else _ACKNOWLEDGED)
            _LONG.pack_into(data, at, (_LONG.unpack_from(data, at)[0] + ahead) % 2**32)
        if forth:
            remember(self._grown, key, ahead if flags & _SYN_RST else ahead + extra)


def _can_grow(packet: Packet, known: Ends) -> bool:
    """Tell whether it is no fragment, its protocol's header is known and there, and its length no lie."""
    data = packet.data
    least = _HEADERS.get(known.protocol)
    if least is None or len(data) < known.payload + least:
        return False
    if len(known.src) == 4:  # noqa: PLR2004 - bytes of an IPv4 address
        fragment = _WORD.unpack_from(data, known.header + 6)[0] & 0x3FFF
    else:
        fragment = data[known.header + 6] != known.protocol  # or any other extension
    end = known.header + _size(data, known)
    return not fragment and known.payload + least <= end <= packet.length


def _size(data: bytes, known: Ends) -> int:
    """Return the IP packet's bytes, header included; a sender's own interface may say 0."""
    if len(known.src) == 4:  # noqa: PLR2004 - bytes of an IPv4 address
        return int(_WORD.unpack_from(data, known.header + 2)[0])
    return 40 + int(_WORD.unpack_from(data, known.header + 4)[0])


def _set_lengths(data: bytearray, known: Ends, extra: int) -> None:
    four = len(known.src) == 4  # noqa: PLR2004 - bytes of an IPv4 address
    for at in (known.header + (2 if four else 4), *([known.payload + 4] if known.protocol == UDP else [])):
        _WORD.pack_into(data, at, min(_WORD.unpack_from(data, at)[0] + extra, 0xFFFF))
    if four:
        at = known.header + 10
        _WORD.pack_into(data, at, 0)
        _WORD.pack_into(data, at, checksum(bytes(data[known.header : known.payload])))


def _set_checksum(data: bytearray, known: Ends) -> None:
    """Write the checksum of TCP, UDP, ICMP or ICMPv6 over the pseudo-header and what follows it."""
    carried = len(data) - known.payload
    at = known.payload + _CHECKSUMS[known.protocol]
    _WORD.pack_into(data, at, 0)
    pseudo = known.src + known.dst + struct.pack(">II", carried, known.protocol)
    found = checksum((b"" if known.protocol == ICMP else pseudo) + bytes(data[known.payload :]))
    _WORD.pack_into(data, at, found or (0xFFFF if known.protocol == UDP else 0))
