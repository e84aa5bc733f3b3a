"""MQTT: the mosquitto clients, and a small one of our own where many at once are wanted."""

import asyncio
import contextlib

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program

PING, DISCONNECT = b"\xc0\x00", b"\xe0\x00"


def connect_packet(client: str, *, keep_alive: int = 60) -> bytes:
    """Return an MQTT 3.1.1 CONNECT with a clean session."""
    payload = len(client).to_bytes(2, "big") + client.encode()
    body = b"\x00\x04MQTT\x04\x02" + keep_alive.to_bytes(2, "big") + payload
    return b"\x10" + _length(len(body)) + body


def publish_packet(topic: str, message: bytes, *, qos: int = 0, number: int = 1) -> bytes:
    """Return an MQTT PUBLISH."""
    body = len(topic).to_bytes(2, "big") + topic.encode()
    body += (number % 65_535 + 1).to_bytes(2, "big") if qos else b""
    body += message
    return bytes([0x30 | qos << 1]) + _length(len(body)) + body


def subscribe_packet(topic: str, *, number: int = 1) -> bytes:
    """Return an MQTT SUBSCRIBE to one topic, at most once."""
    body = (number % 65_535 + 1).to_bytes(2, "big") + len(topic).to_bytes(2, "big") + topic.encode() + b"\0"
    return b"\x82" + _length(len(body)) + body


def _length(size: int) -> bytes:
    encoded = b""
    while True:
        size, low = divmod(size, 128)
        encoded += bytes([low | (0x80 if size else 0)])
        if not size:
            return encoded


@program
async def mqtt_telemetry(me: Actor, job: Job) -> None:
    """One `mosquitto_pub -l` kept open, a message every `period` seconds."""
    p = job.params
    argv = ["mosquitto_pub", "-h", p["broker"], "-p", str(p.get("port", 1883)), "-t", f"home/{me.host.name}"]
    process = await asyncio.create_subprocess_exec(
        *argv,
        "-l",
        "-q",
        str(p.get("qos", 0)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if process.stdin is None:
        raise OSError("mosquitto_pub has no standard input")
    try:
        async for number in me.paced(1 / p["period"], shape="poisson"):
            process.stdin.write(f'{{"n":{number},"v":"{"7" * p["bytes"]}"}}\n'.encode())
            await process.stdin.drain()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


@program
async def mqtt_short(me: Actor, job: Job) -> None:
    """A new `mosquitto_pub` for each message, as devices that sleep in between do."""
    p = job.params
    async for _ in me.paced(1 / p["period"], shape="poisson"):
        argv = ["mosquitto_pub", "-h", p["broker"], "-p", str(p.get("port", 1883)), "-t", "home/wake"]
        await me.tool(*argv, "-q", str(p.get("qos", 0)), "-m", "7" * p["bytes"])


@program
async def mqtt_subscribe(me: Actor, job: Job) -> None:
    """A real mosquitto_sub on everything."""
    port = str(job.params.get("port", 1883))
    await me.tool("mosquitto_sub", "-h", job.params["broker"], "-p", port, "-t", "#", "-k", "15")


@program
async def mqtt_fleet(me: Actor, job: Job) -> None:
    """`clients` devices behind one address (a radio bridge) connect at once, talk a little and stay."""
    p = job.params

    async def one(number: int) -> None:
        await asyncio.sleep(me.rng.random() * p.get("spread", 0.5))
        with contextlib.suppress(OSError):
            source = p["sources"][number % len(p["sources"])] if p.get("sources") else None
            async with sockets.connection(p["broker"], p.get("port", 1883), source=source) as (
                reader,
                writer,
            ):
                writer.write(connect_packet(f"{me.host.name}-{number}"))
                await reader.readexactly(4)
                for turn in range(p.get("messages", 2)):
                    writer.write(publish_packet(f"home/{number}", b"7" * p["bytes"], number=turn))
                    await asyncio.sleep(p.get("period", 1.0))

    for _ in range(p.get("rounds", 1)):
        await asyncio.gather(*(one(number) for number in range(p["clients"])), return_exceptions=True)
        await asyncio.sleep(p.get("pause", 1.0))
