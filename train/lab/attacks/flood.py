"""Floods of packets: hping3's and our own, from one address, many, or invented ones."""

import random

from train.lab import rawip, sockets
from train.lab.actor import Actor
from train.lab.plan import Job, Params
from train.lab.registry import program

_KINDS = {
    "syn": rawip.FLAGS["syn"],
    "ack": rawip.FLAGS["ack"],
    "fin": rawip.FLAGS["fin"],
    "rst": rawip.FLAGS["rst"],
    "syn-ack": rawip.FLAGS["syn"] | rawip.FLAGS["ack"],
    "psh-ack": rawip.FLAGS["psh"] | rawip.FLAGS["ack"],
    "rst-fin": rawip.FLAGS["rst"] | rawip.FLAGS["fin"],
    "xmas": rawip.FLAGS["fin"] | rawip.FLAGS["psh"] | rawip.FLAGS["urg"],
    "null": 0,
}


class Sources:
    """Where a flood's packets say they come from.

    `sources` in the parameters: a list of addresses, drawn from evenly or each for `stay` packets, or
    `"random"` for any address of the internet.
    """

    def __init__(self, params: Params, rng: random.Random) -> None:
        self._rng = rng
        self._random = params["sources"] == "random"
        self._six = ":" in params["target"]
        self._known: list[bytes] = []
        if not self._random:
            self._known = [rawip.packed(address) for address in params["sources"]]
        self._stay: int = params.get("stay", 1)

    def pick(self, number: int) -> bytes:
        if not self._random:
            if self._stay > 1:
                return self._known[number // self._stay % len(self._known)]
            return self._known[self._rng.randrange(len(self._known))]
        if self._six:
            return b"\x20\x01\x0d\xb8" + self._rng.randbytes(12)
        return bytes([self._rng.choice(_PUBLIC)]) + self._rng.randbytes(3)


_PUBLIC = [first for first in range(1, 224) if first not in {10, 100, 127, 169, 172, 192, 198, 203}]
"""First octets without the private and special networks, so that a random source is no neighbour."""


@program
async def flood(me: Actor, job: Job) -> None:
    """Send `count` packets of one `kind` at `rate`; ports fixed (a number), a list, or -1 for random ones."""
    p = job.params
    sources = Sources(p, me.rng)
    destination = rawip.packed(p["target"])
    sender = rawip.RawSender(p["target"])
    ttl = p.get("ttl", me.host.ttl)
    filler = me.rng.randbytes(1472)
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            source = sources.pick(number)
            protocol, payload = _payload(p, me.rng, number, (source, destination), filler)
            cut = 0x2000 | me.rng.randint(0, 180) if p["kind"] == "fragment" else 0
            data = rawip.packet(
                source, destination, protocol, payload, ttl=ttl, identifier=number & 0xFFFF, fragment=cut
            )
            sender.send(data, p["target"])
    finally:
        sender.close()


def _payload(
    p: Params, rng: random.Random, number: int, ends: tuple[bytes, bytes], filler: bytes
) -> tuple[int, bytes]:
    source, destination = ends
    size = p["bytes"] if p["bytes"] >= 0 else rng.randint(0, 1400)
    data = filler[:size]
    if p["kind"] == "fragment":
        return rawip.UDP, data
    if p["kind"] == "gre":
        inner = rawip.packet(
            rng.randbytes(4), destination, rawip.UDP, rawip.udp(source, destination, (9, 9), data)
        )
        return rawip.GRE, b"\0\0\x08\0" + inner
    if p["kind"] == "icmp":
        six = len(destination) == 16  # noqa: PLR2004 - bytes of an IPv6 address
        identifier = p.get("source_port", 1) if p.get("source_port", 1) > 0 else rng.randint(1, 65_535)
        body = rawip.echo(source, destination, identifier, number & 0xFFFF, data)
        return rawip.ICMP6 if six else rawip.ICMP, body
    ports = (_port(p["source_port"], rng, number), _port(p["port"], rng, number))
    if p["kind"] == "dns":
        data = (
            rng.randbytes(2)
            + b"\1\0\0\1\0\0\0\0\0\0\x0c"
            + rng.randbytes(6).hex().encode()
            + b"\7example\0\0\1\0\1"
        )
    if p["kind"] in {"udp", "dns"}:
        return rawip.UDP, rawip.udp(source, destination, ports, data)
    flags, seq = _KINDS[p["kind"]], rng.getrandbits(32)
    segment = rawip.tcp(source, destination, ports, flags, seq, options=p.get("options", 0), data=data)
    return rawip.TCP, segment


def _port(rule: int | list[int], rng: random.Random, number: int) -> int:
    if isinstance(rule, list):
        return rule[number % len(rule)]
    if rule == -2:  # noqa: PLR2004 - counting up, as hping3 does
        return 1024 + number % 64_000
    return rule if rule >= 0 else rng.randint(1024, 65_535)


@program
async def hping(me: Actor, job: Job) -> None:
    """hping3, always with a count and a gap, never with `--flood`."""
    p = job.params
    gap = max(50, int(1_000_000 / p["rate"]))
    await me.tool("hping3", "-q", "-n", "-c", str(p["count"]), "-i", f"u{gap}", *p["args"], p["target"])


@program
async def udp_blast(me: Actor, job: Job) -> None:
    """Datagrams from ordinary sockets: one flow each for `flows` source ports."""
    p = job.params
    socks = [sockets.datagram(p["target"], source=p.get("source")) for _ in range(p["flows"])]
    data = me.rng.randbytes(p["bytes"])
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            port = _port(p["port"], me.rng, number)
            sockets.send(socks[number % len(socks)], data, (p["target"], port))
    finally:
        for sock in socks:
            sock.close()


@program
async def tcp_blast(me: Actor, job: Job) -> None:
    """Stuff one or a few established connections with data."""
    p = job.params
    async with sockets.connection(p["target"], p["port"], source=p.get("source")) as (_, writer):
        async for _ in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            writer.write(bytes(p["bytes"]))
            await writer.drain()
