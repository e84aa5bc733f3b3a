"""Streams: cameras over UDP and TCP, calls, iperf3."""

import asyncio
import contextlib

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program


@program
async def camera_udp(me: Actor, job: Job) -> None:
    """RTP-like video: each frame is a burst of packets, `fps` frames a second, key frames larger."""
    p = job.params
    with sockets.datagram(p["server"], port=p.get("source_port", 0)) as sock:
        number = 0
        async for frame in me.paced(p["fps"]):
            packets = p["packets"] * (4 if frame % (2 * p["fps"]) == 0 else 1)
            for left in range(me.rng.randint(max(1, packets // 2), packets), 0, -1):
                size = p["bytes"] if left > 1 else me.rng.randint(60, p["bytes"])
                head = b"\x80\x60" + number.to_bytes(4, "big")
                sockets.send(sock, head + bytes(size - len(head)), (p["server"], p["port"]))
                number += 1


@program
async def watch(_me: Actor, job: Job) -> None:
    """Receive a camera's TCP stream."""
    p = job.params
    with contextlib.suppress(OSError):
        async with sockets.connection(p["server"], p["port"]) as (reader, writer):
            writer.write(b"PLAY rtsp://camera/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            while await reader.read(65_536):
                pass


@program
async def call(me: Actor, job: Job) -> None:
    """Voice both ways over UDP: 50 small packets a second, echoed by the far end."""
    p = job.params
    with sockets.datagram(p["server"], port=p.get("source_port", 0)) as sock:
        async for _ in me.paced(50):
            sockets.send(sock, me.rng.randbytes(172), (p["server"], p["port"]))


@program
async def iperf(me: Actor, job: Job) -> None:
    """The real iperf3, TCP or UDP, at `rate` bits per second (k, M suffix)."""
    p = job.params
    argv = [
        "iperf3",
        "-c",
        p["server"],
        "-p",
        str(p.get("port", 5201)),
        "-t",
        str(int(p["length"])),
        "-b",
        p["rate"],
    ]
    argv += ["-P", str(p.get("streams", 1))]
    argv += ["-u", "-l", "1200"] if p.get("udp") else []
    argv += ["-R"] if p.get("reverse") else []
    await asyncio.sleep(0.2)
    await me.tool(*argv)
