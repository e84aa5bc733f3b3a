"""Strange but harmless: what looks like an attack and is none."""

import asyncio
import contextlib
from collections.abc import Coroutine

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.programs.web import fetch
from train.lab.registry import program


@program
async def monitor(me: Actor, job: Job) -> None:
    """A monitoring system's round: ping everything it owns, try a few ports of each, fetch a page."""
    p = job.params
    async for _ in me.paced(1 / p["period"]):
        if p.get("ping", True):
            await me.tool("fping", "-q", "-c", "1", "-t", "300", *p["targets"])
        for target in p["targets"]:
            await asyncio.gather(*(_check(target, port) for port in p["ports"]))
            await asyncio.sleep(p.get("gap", 0.05))


async def _check(server: str, port: int) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        async with sockets.connection(server, port, timeout=1.0) as (reader, writer):
            if port in {80, 8080}:
                await fetch(reader, writer, "/status")


@program
async def dead_server(me: Actor, job: Job) -> None:
    """Keep trying a server that is gone (no such host) or down (port closed), `rate` times a second."""
    p = job.params
    async for number in me.paced(p["rate"], shape=p.get("shape", "steady")):
        server = p["servers"][number % len(p["servers"])]
        with contextlib.suppress(OSError):
            async with sockets.connection(server, p["port"], timeout=p.get("patience", 1.0)):
                pass


@program
async def http_burst(me: Actor, job: Job) -> None:
    """Many short requests: `rate` new connections a second to one server, `parallel` at a time."""
    p = job.params
    limit = asyncio.Semaphore(p["parallel"])

    async def one() -> None:
        source = me.rng.choice(p["sources"]) if p.get("sources") else None
        async with limit:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                async with sockets.connection(p["server"], p["port"], source=source) as (reader, writer):
                    await fetch(reader, writer, p["path"])

    async with asyncio.TaskGroup() as group:
        async for _ in me.paced(p["rate"], shape=p.get("shape", "steady")):
            group.create_task(one())


@program
async def peer_hunt(me: Actor, job: Job) -> None:
    """Peer-to-peer: try many peers on their odd ports over UDP and TCP; few answer."""
    p = job.params
    with sockets.datagram("0.0.0.0", port=p["source_port"]) as sock:  # noqa: S104
        async for number in me.paced(p["rate"], shape="poisson"):
            peer = p["peers"][number % len(p["peers"])]
            port = 1025 + (number * 7919 + sum(map(ord, peer))) % 60_000
            sockets.send(
                sock, b"d1:ad2:id20:" + me.rng.randbytes(20) + b"e1:q4:ping1:t2:aa1:y1:qe", (peer, port)
            )
            if number % p.get("tcp_every", 3) == 0:
                _background(_knock(peer, port))


_TASKS: set[asyncio.Task[None]] = set()


def _background(coroutine: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(coroutine)
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


async def _knock(peer: str, port: int) -> None:
    with contextlib.suppress(OSError):
        async with sockets.connection(peer, port, timeout=2.0) as (_, writer):
            writer.write(b"\x13BitTorrent protocol" + bytes(48))
            await asyncio.sleep(0.3)


@program
async def reconnect(me: Actor, job: Job) -> None:
    """Devices of one host lose their servers and come back together: `clients` TCP connections at once."""
    p = job.params

    async def one(number: int) -> None:
        await asyncio.sleep(me.rng.random() * p["spread"])
        with contextlib.suppress(OSError):
            async with sockets.connection(p["servers"][number % len(p["servers"])], p["port"]) as (
                reader,
                writer,
            ):
                writer.write(b"hello\r\n")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await reader.read(100)

    for _ in range(p.get("rounds", 1)):
        await asyncio.gather(*(one(number) for number in range(p["clients"])))
        await asyncio.sleep(1)
