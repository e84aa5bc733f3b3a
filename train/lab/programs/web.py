"""HTTP clients: polling, page loads, downloads, backups."""

import asyncio
import contextlib

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program

_AGENT = "User-Agent: device/1.2\r\nAccept: */*"


async def fetch(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    *,
    body: int = 0,
    method: str | None = None,
) -> int:
    """Send one request on an open connection and read the whole answer. Returns its body's size."""
    method = method or ("POST" if body else "GET")
    length = f"Content-Length: {body}\r\n" if body else ""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: device\r\n{_AGENT}\r\n{length}\r\n".encode())
    sent = 0
    while sent < body:
        block = min(16_384, body - sent)
        writer.write(bytes(block))
        await writer.drain()
        sent += block
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"content-length")), 0)
    left = 0 if method == "HEAD" else size
    while left > 0:
        block_read = await reader.read(min(left, 65_536))
        if not block_read:
            break
        left -= len(block_read)
    return size


@program
async def poll_http(me: Actor, job: Job) -> None:
    """Ask `server` for `path` every `period` seconds, over one kept connection or a new one each time."""
    p = job.params
    async for _ in me.paced(1 / p["period"], shape=p.get("shape", "poisson"), count=p.get("count", 10**6)):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with sockets.connection(p["server"], p["port"], tls=p.get("tls", False)) as (
                reader,
                writer,
            ):
                await fetch(reader, writer, p["path"], body=p.get("body", 0))
                for _ in range(p.get("keep", 0)):
                    await asyncio.sleep(p["period"])
                    await fetch(reader, writer, p["path"], body=p.get("body", 0))


@program
async def browse(me: Actor, job: Job) -> None:
    """Load pages: look up names, then up to `parallel` connections fetch a page's objects."""
    p = job.params
    async for _ in me.paced(1 / p["pause"], shape="poisson"):
        await _look_up(me, p["resolver"], me.rng.randint(1, 5))
        objects = me.rng.randint(2, p["objects"])
        limit = asyncio.Semaphore(p["parallel"])
        servers = [me.rng.choice(p["servers"]) for _ in range(objects)]
        await asyncio.gather(*(_object(me, limit, server, p["tls"]) for server in servers))


async def _object(me: Actor, limit: asyncio.Semaphore, server: str, tls: bool) -> None:  # noqa: FBT001
    size = int(me.rng.lognormvariate(8.5, 1.2))
    async with limit:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with sockets.connection(server, 443 if tls else 80, tls=tls) as (reader, writer):
                for _ in range(me.rng.choice((1, 1, 1, 2, 4))):
                    await fetch(reader, writer, f"/b/{min(size, 400_000)}")


async def _look_up(me: Actor, resolver: str, names: int) -> None:
    with sockets.datagram(resolver) as sock:
        for _ in range(names):
            await sockets.ask(sock, dns_query(me, "web"), (resolver, 53), patience=0.5)


def dns_query(me: Actor, stem: str) -> bytes:
    """Return a question for an A record of a name under `stem`."""
    labels = [f"{stem}{me.rng.randint(0, 999)}", me.rng.choice(("cloud", "api", "cdn", "iot")), "example"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return me.rng.randbytes(2) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01"


@program
async def download(me: Actor, job: Job) -> None:
    """Fetch `bytes` once with a real curl, at most at `limit` bytes per second: firmware, a film's chunk."""
    p = job.params
    for _ in range(p.get("times", 1)):
        url = f"http{'s' if p.get('tls') else ''}://{p['server']}:{p['port']}/b/{p['bytes']}"
        await me.tool("curl", "-s", "-k", "-o", "/dev/null", "--limit-rate", str(p["limit"]), url)
        await asyncio.sleep(p.get("pause", 0.5))


@program
async def backup(me: Actor, job: Job) -> None:
    """Push `bytes` to a server's sink, as fast as the link allows or at `rate` blocks per second."""
    p = job.params
    async with sockets.connection(p["server"], p["port"]) as (_, writer):
        blocks = p["bytes"] // p["block"]
        async for _ in me.paced(p["rate"], count=blocks):
            writer.write(bytes(p["block"]))
            await writer.drain()
        await asyncio.sleep(0.2)
