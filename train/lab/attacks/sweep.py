"""Our own scanners: what infected devices and quick scripts do."""

import asyncio
import contextlib

from train.lab import rawip, sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.programs.mqtt import connect_packet, subscribe_packet
from train.lab.programs.web import fetch
from train.lab.registry import program

_UDP_PROBES = {
    53: b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03",
    123: b"\x17\x00\x03\x2a" + bytes(4),
    161: b"0)\x02\x01\0\x04\x06public\xa0\x1c\x02\x04\x12\x34\x56\x78\x02\x01\0\x02\x01\0"
    b"0\x0e0\x0c\x06\x08+\x06\x01\x02\x01\x01\x01\0\x05\0",
    1900: b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n',
    5683: b"\x40\x01\x7d\x70\xbb.well-known\x04core",
}


@program
async def raw_sweep(me: Actor, job: Job) -> None:
    """SYN (or `flags`) probes to `ports` of `targets` in random order, stateless, as Mirai and zmap do."""
    p = job.params
    probes = [(target, port) for target in p["targets"] for port in p["ports"]]
    me.rng.shuffle(probes)
    source = rawip.packed(p["source"])
    sender = rawip.RawSender(p["targets"][0])
    fixed = me.rng.randint(1025, 65_000)
    flags = sum(rawip.FLAGS[flag] for flag in p.get("flags", ["syn"]))
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=len(probes)):
            target, port = probes[number]
            to = rawip.packed(target)
            from_port = fixed if p.get("fixed_port") else me.rng.randint(1025, 65_000)
            # Mirai's mark: the sequence number is the target's address.
            seq = int.from_bytes(to[-4:], "big") if p.get("mirai") else me.rng.getrandbits(32)
            segment = rawip.tcp(source, to, (from_port, port), flags, seq, options=p.get("options", 0))
            kind = rawip.TCP
            sender.send(
                rawip.packet(source, to, kind, segment, ttl=me.host.ttl, identifier=number & 0xFFFF), target
            )
    finally:
        sender.close()


@program
async def connect_sweep(me: Actor, job: Job) -> None:
    """Full connections to `ports` of `targets`; where one opens, read the banner and try a login."""
    p = job.params
    probes = [(target, port) for target in p["targets"] for port in p["ports"]]
    if p.get("shuffle", True):
        me.rng.shuffle(probes)
    limit = asyncio.Semaphore(p["parallel"])

    async def one(target: str, port: int) -> None:
        async with limit:
            with contextlib.suppress(OSError, TimeoutError):
                async with sockets.connection(target, port, timeout=p["patience"]) as (reader, writer):
                    writer.write(p.get("hello", "\r\n").encode())
                    async with asyncio.timeout(p["patience"]):
                        await reader.read(512)

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=len(probes)):
            group.create_task(one(*probes[number]))


@program
async def udp_sweep(me: Actor, job: Job) -> None:
    """Datagrams to `ports` of `targets`: the protocol's own question, or empty ones."""
    p = job.params
    probes = [(target, port) for target in p["targets"] for port in p["ports"]]
    me.rng.shuffle(probes)
    probes = [probe for probe in probes for _ in range(p.get("repeat", 1))]
    with sockets.datagram(p["targets"][0]) as sock:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=len(probes)):
            target, port = probes[number]
            sockets.send(sock, _UDP_PROBES.get(port, b""), (target, port))


@program
async def icmp_sweep(me: Actor, job: Job) -> None:
    """One echo request per address, in order or not."""
    p = job.params
    targets = list(p["targets"])
    if p.get("shuffle"):
        me.rng.shuffle(targets)
    source = rawip.packed(p["source"])
    sender = rawip.RawSender(targets[0])
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=len(targets)):
            to = rawip.packed(targets[number])
            body = rawip.echo(source, to, 77, number & 0xFFFF, bytes(p["bytes"]))
            protocol = rawip.ICMP6 if len(to) == 16 else rawip.ICMP  # noqa: PLR2004 - bytes of an address
            sender.send(rawip.packet(source, to, protocol, body, ttl=me.host.ttl), targets[number])
    finally:
        sender.close()


_PATHS = (
    "admin",
    "login.cgi",
    "cgi-bin/test",
    "phpmyadmin",
    ".env",
    "config.bak",
    "setup.xml",
    "HNAP1",
    "backup.tar",
    "api/v1",
)


@program
async def web_probe(me: Actor, job: Job) -> None:
    """Ask for paths that are not there: vulnerability scanners and directory guessers."""
    p = job.params
    limit = asyncio.Semaphore(p["parallel"])

    async def one(number: int) -> None:
        path = f"/{me.rng.choice(_PATHS)}{number}"
        async with limit:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                target = p["targets"][number % len(p["targets"])]
                async with sockets.connection(target, p["port"], tls=p.get("tls", False)) as (reader, writer):
                    for turn in range(p.get("keep", 1)):
                        await fetch(reader, writer, f"{path}/{turn}", method=p.get("method"))

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            group.create_task(one(number))


@program
async def mqtt_topics(me: Actor, job: Job) -> None:
    """Connect, subscribe to `each` topics in turn, see what comes, leave: `rate` connections a second."""
    p = job.params

    async def one(number: int) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with sockets.connection(p["target"], p["port"]) as (reader, writer):
                writer.write(connect_packet(f"m{me.rng.getrandbits(32):x}"))
                await reader.readexactly(4)
                for turn in range(p["each"]):
                    topic = me.rng.choice(("#", "$SYS/#", "home/#", f"dev/{number}/{turn}"))
                    writer.write(subscribe_packet(topic, number=turn))
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(p["patience"]):
                            await reader.read(4096)

    async with asyncio.TaskGroup() as group:
        async for number in me.paced(p["rate"], shape="poisson"):
            group.create_task(one(number))
