"""Many clients of one service, one client of many, and streams: general, by their parameters alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job, Params
from train.lab.programs.local import NTP_QUERY
from train.lab.programs.mqtt import connect_packet, publish_packet
from train.lab.programs.servers import ASK, DATAGRAM_ASK
from train.lab.programs.web import dns_query, fetch
from train.lab.registry import program

_MODBUS_ASK = bytes.fromhex("000000000006010300000010")
_MODBUS_REPLY_BYTES = 9 + 2 * 16

_OFF_BEAT_SECS = 0.02

_BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int, int], Awaitable[None]]
"""One exchange: how many bytes to send, how many to get back."""


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: int, reply: int) -> None:
    await fetch(reader, writer, f"/b/{reply}", body=ask)


async def _raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: int, reply: int) -> None:
    writer.write(ASK.pack(ask, reply) + bytes(ask))
    await writer.drain()
    while reply > 0:
        block = await reader.read(min(reply, 65_536))
        if not block:
            raise ConnectionError("the server hung up")
        reply -= len(block)


async def _modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _ask: int, _reply: int) -> None:
    writer.write(_MODBUS_ASK)
    await reader.readexactly(_MODBUS_REPLY_BYTES)


async def _line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: int, _reply: int) -> None:
    writer.write(b"7" * ask + b"\r\n")
    if not await reader.read(4096):
        raise ConnectionError("the server hung up")


async def _mqtt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: int, reply: int) -> None:
    """Publish `ask` bytes, with an acknowledgement where a reply is wanted."""
    writer.write(publish_packet("home/x", b"7" * ask, qos=1 if reply else 0))
    await writer.drain()
    if reply:
        await reader.readexactly(4)


_TALK: dict[str, Talk] = {"http": _http, "raw": _raw, "modbus": _modbus, "line": _line, "mqtt": _mqtt}


@program
async def conversations(me: Actor, job: Job) -> None:
    """`clients` TCP clients, each from one of `sources` to one of `servers`.

    Each connects, asks and waits about `exchanges` times with `think` seconds between, closes, and comes
    again after `pause` seconds, after failures ever later. Where `habits` is above 0, clients differ by that
    much in all of this, and each from time to time. With a `beat` they all do it at the same moments, so
    many seconds apart and up to `off_beat` late; with `own_time` those of each source have moments of their
    own. All together stop after `count` exchanges.
    """
    p = job.params
    budget = iter(range(int(p["count"])))
    sources = p.get("sources") or [None]
    ahead = [me.rng.random() if p.get("own_time") else 0.0 for _ in sources]

    async def one(number: int) -> None:
        server, source = p["servers"][number % len(p["servers"])], sources[number % len(sources)]
        own = _habits(me, p) | {"ahead": ahead[number % len(sources)]}
        await asyncio.sleep(me.rng.random() * p["spread"])
        failures, more = 0, True
        while more:
            try:
                async with sockets.connection(
                    server, p["port"], source=source, tls=p.get("tls", False), timeout=3
                ) as (reader, writer):
                    more = await _converse(me, own, reader, writer, budget)
                failures = 0
            except _BROKEN:
                failures = min(failures + 1, 5)
            await _rest(me, own, (own["pause"] + 0.05 * failures) * 2**failures)

    await asyncio.gather(*(one(number) for number in range(max(1, p["clients"]))))


def _habits(me: Actor, p: Params) -> Params:
    """Return what one client makes of the common parameters."""
    habits = p.get("habits", 0.0)
    scaled = {key: p[key] * me.rng.lognormvariate(0, habits) for key in ("think", "pause", "ask", "reply")}
    return {**p, **scaled}


def _moody(me: Actor, p: Params) -> float:
    """Draw a factor of the next pause, about 1."""
    habits = p.get("habits", 0.0)
    return me.rng.lognormvariate(-habits * habits / 2, habits) if habits else me.rng.uniform(0.7, 1.3)


async def _converse(
    me: Actor, p: Params, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: Iterator[int]
) -> bool:
    """Talk over one connection. Returns False when the budget is used up."""
    if p["protocol"] == "mqtt":
        writer.write(connect_packet(f"c{me.rng.getrandbits(40):x}"))
        await reader.readexactly(4)
    exchanges = p["exchanges"]
    if exchanges > 1 and p.get("habits"):
        exchanges = 1 + int(me.rng.expovariate(1 / exchanges))
    for _ in range(exchanges):
        if next(budget, None) is None:
            return False
        spread = me.rng.lognormvariate(0, 0.4)
        await _TALK[p["protocol"]](reader, writer, round(p["ask"] * spread), round(p["reply"] * spread))
        await _rest(me, p, p["think"])
    return True


async def _rest(me: Actor, p: Params, seconds: float) -> None:
    """Wait about so long; or, with a beat, until the next one, which no client hits quite."""
    beat = p.get("beat")
    if beat and seconds:
        behind = (asyncio.get_running_loop().time() + p.get("ahead", 0.0) * beat) % beat
        await asyncio.sleep(beat - behind + me.rng.random() * p.get("off_beat", _OFF_BEAT_SECS))
    else:
        await asyncio.sleep(seconds * _moody(me, p))


def _message(me: Actor, p: Params, number: int, filler: bytes) -> bytes:
    size = me.rng.randint(*p["bytes"])
    if p["kind"] == "dns":
        return dns_query(me, "host")
    if p["kind"] == "ntp":
        return NTP_QUERY
    if p["kind"] == "coap":
        return b"\x44\x01" + (number & 0xFFFF).to_bytes(2, "big") + me.rng.randbytes(4) + b"\xb5state"
    if p["kind"] == "exchange":
        return DATAGRAM_ASK.pack(p["answers"] if number % p["every"] == 0 else 0, p["reply"]) + filler[:size]
    return filler[:size]


@program
async def datagrams(me: Actor, job: Job) -> None:
    """UDP of many senders: `rate` a second over `flows` sockets for each of `sources`, to `servers` in turn.

    A sender sends `stay` in a row. `fresh` is the share of datagrams for which it takes a new port. What
    comes back is thrown away: a one-way stream where the server says nothing.
    """
    p = job.params
    servers: list[str] = p["servers"]
    senders = [source for source in p.get("sources") or [None] for _ in range(p["flows"])]
    port = p.get("source_port", 0)
    socks = [sockets.datagram(servers[0], source=source, port=port) for source in senders]
    filler = me.rng.randbytes(1472)
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=int(p["count"])):
            turn = number // p["stay"]
            at = turn % len(socks)
            if p["fresh"] and me.rng.random() < p["fresh"]:
                socks[at].close()
                socks[at] = sockets.datagram(servers[0], source=senders[at])
            to = servers[turn % len(servers)], p["port"]
            sockets.send(socks[at], _message(me, p, number, filler), to)
    finally:
        for sock in socks:
            sock.close()
