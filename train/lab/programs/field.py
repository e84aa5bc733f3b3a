"""Machines talking to machines: CoAP, Modbus/TCP, plain UDP telemetry, SSH sessions."""

import asyncio
import contextlib
import socket
import struct

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program


@program
async def coap_poll(me: Actor, job: Job) -> None:
    """Confirmable GETs to each of `servers` in turn, one socket for all."""
    p = job.params
    with sockets.datagram(p["servers"][0]) as sock:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady")):
            server = p["servers"][number % len(p["servers"])]
            message = b"\x44\x01" + struct.pack("!H", number % 65_536) + me.rng.randbytes(4) + b"\xb5state"
            await sockets.ask(sock, message, (server, 5683), patience=0.5)


@program
async def modbus_poll(me: Actor, job: Job) -> None:
    """Read registers `rate` times a second over one connection per server."""
    p = job.params

    async def one(server: str) -> None:
        async with sockets.connection(server, p.get("port", 502)) as (reader, writer):
            async for number in me.paced(p["rate"]):
                ask = struct.pack("!HHHBBHH", number % 65_536, 0, 6, 1, 3, 0, p["registers"])
                writer.write(ask)
                head = await reader.readexactly(7)
                await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)

    await asyncio.gather(*(one(server) for server in p["servers"]), return_exceptions=True)


@program
async def udp_telemetry(me: Actor, job: Job) -> None:
    """Readings to a collector, from one source port or a new one each time."""
    p = job.params
    async for _ in me.paced(p["rate"], shape=p.get("shape", "steady")):
        source = me.rng.choice(p["sources"]) if p.get("sources") else None
        with sockets.datagram(p["server"], source=source, port=p.get("source_port", 0)) as sock:
            sockets.send(sock, me.rng.randbytes(p["bytes"]), (p["server"], p["port"]))


@program
async def datagram_poll(me: Actor, job: Job) -> None:
    """Ask `servers` in turn on a UDP port, as SNMP walks and BACnet masters do; some never answer."""
    p = job.params
    with sockets.datagram(p["servers"][0], port=p.get("source_port", 0)) as sock:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady")):
            server = p["servers"][number // p.get("turns", 1) % len(p["servers"])]
            await sockets.ask(
                sock, me.rng.randbytes(p["bytes"]), (server, p["port"]), patience=p.get("patience", 0.3)
            )


@program
async def trace(me: Actor, job: Job) -> None:
    """Traceroute with datagrams: three for each distance, again and again."""
    p = job.params
    port = 33_434
    async for _ in me.paced(1 / p["period"]):
        for distance in range(1, p["hops"] + 1):
            for _ in range(3):
                with sockets.datagram(p["target"]) as sock:
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, distance)
                    sockets.send(sock, bytes(32), (p["target"], port))
                port = 33_434 + (port - 33_433) % 90
                await asyncio.sleep(p["gap"])


@program
async def terminal(me: Actor, job: Job) -> None:
    """Somebody types: small packets there and back over one TCP connection, with pauses for thought."""
    p = job.params
    with contextlib.suppress(OSError):
        async with sockets.connection(p["server"], p["port"]) as (reader, writer):
            async for _ in me.paced(p["rate"], shape="poisson"):
                writer.write(me.rng.randbytes(me.rng.choice((36, 36, 36, 52, 100))))
                await reader.read(4096)


@program
async def ssh_login(me: Actor, job: Job) -> None:
    """The real ssh client against a daemon's banner, `times` times."""
    p = job.params
    for _ in range(p.get("times", 1)):
        argv = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-o", "StrictHostKeyChecking=no"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await me.tool(*argv, "-p", str(p["port"]), f"admin@{p['server']}", "true")
        await asyncio.sleep(p.get("pause", 2.0))
