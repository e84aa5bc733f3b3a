"""Services: HTTP(S), banners, brokers, datagram answers, sinks."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from train.lab import sockets, tools
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_FILLER = os.urandom(65_536)
_BACKLOG = 128


async def serve_tcp(port: int, handler: Handler, *, tls: ssl.SSLContext | None = None) -> None:
    """Serve on a port of every address until cancelled; a peer that breaks off is no trouble."""

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    server = await asyncio.start_server(safely, sock=listener, ssl=tls, backlog=_BACKLOG)
    async with server:
        await server.serve_forever()


@program
async def serve_http(me: Actor, job: Job) -> None:
    """HTTP/1.1 with keep-alive. `/b/N` is N bytes; anything else 404, or 200 where `found`."""
    latency = job.params.get("latency_ms", 0) / 1000
    page = int(job.params.get("page_bytes", 900))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            method, path = [*head.split(b" ", 2), b"", b""][:2]
            await _body(reader, head)
            await asyncio.sleep(latency)
            size = _size(path, page)
            await _respond(writer, method, size)
            if b"connection: close" in head.lower():
                return

    await serve_tcp(job.params["port"], handle, tls=_tls(me) if job.params.get("tls") else None)


def _tls(me: Actor) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(me.directory) / "cert.pem", Path(me.directory) / "key.pem")
    return context


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            left = int(line.split(b":")[1])
            while left > 0:
                block = await reader.read(min(left, 65_536))
                if not block:
                    return
                left -= len(block)


def _size(path: bytes, page: int) -> int | None:
    if path.startswith(b"/b/") and path[3:].isdigit():
        return int(path[3:])
    return page if path in {b"/", b"/index.html", b"/status", b"/api/state"} else None


async def _respond(writer: asyncio.StreamWriter, method: bytes, size: int | None) -> None:
    status = b"404 Not Found" if size is None else b"200 OK"
    left = 162 if size is None else size
    head = b"HTTP/1.1 %s\r\nServer: httpd\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % (status, left))
    while left > 0 and method != b"HEAD":
        writer.write(_FILLER[: min(left, 65_536)])
        left -= 65_536
        await writer.drain()
    await writer.drain()


@program
async def serve_banner(_me: Actor, job: Job) -> None:
    """Greet, then answer each line with a short one, as SSH, telnet and FTP daemons look from outside."""
    banner = job.params.get("banner", "").encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if banner:
            writer.write(banner)
        while await reader.read(2048):
            writer.write(job.params.get("reply", "login: ").encode())
            await writer.drain()

    await serve_tcp(job.params["port"], handle)


@program
async def serve_stream(me: Actor, job: Job) -> None:
    """After the first request, push `rate` blocks of `bytes` per second, as a camera's TCP stream does."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(2048)
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        async for _ in me.paced(job.params["rate"]):
            writer.write(_FILLER[: job.params["bytes"]])
            await writer.drain()

    await serve_tcp(job.params["port"], handle)


@program
async def serve_sink(_me: Actor, job: Job) -> None:
    """Take uploads on TCP and datagrams on UDP, and say nothing."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.write(b"OK\r\n")

    async with asyncio.TaskGroup() as group:
        group.create_task(serve_tcp(job.params["port"], handle))
        group.create_task(sockets.serve_udp(job.params["port"], lambda _: None))


@program
async def serve_modbus(_me: Actor, job: Job) -> None:
    """Modbus/TCP: read holding registers, function 3, answered with as many registers as asked."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(7)
            body = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
            data = bytes(2 * min(int.from_bytes(body[3:5], "big"), 125))
            reply = body[:1] + bytes([len(data)]) + data
            writer.write(head[:4] + (len(reply) + 1).to_bytes(2, "big") + head[6:7] + reply)
            await writer.drain()

    await serve_tcp(job.params.get("port", 502), handle)


ASK = struct.Struct("!II")
"""Before a raw request: how many bytes follow, and how many are wanted back."""

_MOST_BYTES = 20_000_000


@program
async def serve_exchange(me: Actor, job: Job) -> None:
    """Requests and answers of any size, as databases and makers' own protocols have them."""
    latency = job.params.get("latency_ms", 0) / 1000

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked, wanted = ASK.unpack(await reader.readexactly(ASK.size))
            while asked > 0:
                asked -= len(await reader.readexactly(min(asked, 32_768)))
            await asyncio.sleep(latency)
            for left in range(min(wanted, _MOST_BYTES), 0, -len(_FILLER)):
                writer.write(_FILLER[:left])
                await writer.drain()

    await serve_tcp(job.params["port"], handle, tls=_tls(me) if job.params.get("tls") else None)


_DNS_BYTES, _NTP_BYTES, _COAP_BYTES = 17, 48, 4
"""The shortest questions."""


def _dns_answer(query: bytes) -> bytes | None:
    """One A record under the asked name."""
    if len(query) < _DNS_BYTES or query[2] & 0x80:
        return None
    head = query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
    return head + query[12:] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\x34\x0a\x14\x1e"


def _ntp_answer(query: bytes) -> bytes | None:
    return b"\x24\x02" + query[2:4] + bytes(20) + query[40:48] + bytes(16) if len(query) >= 48 else None  # noqa: PLR2004


def _coap_answer(query: bytes) -> bytes | None:
    if len(query) < _COAP_BYTES:
        return None
    return bytes([0x60 | query[0] & 0x0F, 0x45]) + query[2:8] + b"\xff21.5;48"


def _ssdp_answer(query: bytes) -> bytes | None:
    if not query.startswith(b"M-SEARCH"):
        return None
    return (
        b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://device/desc.xml\r\nUSN: uuid:1\r\n\r\n"
    )


DATAGRAM_ASK = struct.Struct("!BH")
"""First of a datagram: how many datagrams are wanted back, and their size."""

_MOST_ANSWERS, _DATAGRAM_BYTES = 20, 1372


def _exchange_answer(query: bytes) -> list[bytes]:
    if len(query) < DATAGRAM_ASK.size:
        return []
    wanted, size = DATAGRAM_ASK.unpack_from(query)
    return [_FILLER[: min(size, _DATAGRAM_BYTES)]] * min(wanted, _MOST_ANSWERS)


_ANSWERS: dict[str, tuple[sockets.Answer, tuple[str, ...]]] = {
    "dns": (_dns_answer, ()),
    "ntp": (_ntp_answer, ()),
    "coap": (_coap_answer, ("224.0.1.187",)),
    "ssdp": (_ssdp_answer, ("239.255.255.250",)),
    "exchange": (_exchange_answer, ()),
    "echo": (lambda data: data, ()),
    "ack": (lambda data: data[:8], ()),
    "sink": (lambda _: None, ()),
}


@program
async def serve_datagrams(_me: Actor, job: Job) -> None:
    """Answer on UDP as `kind` says: dns, ntp, coap, ssdp, exchange, echo, ack (8 bytes) or sink."""
    answer, groups = _ANSWERS[job.params["kind"]]
    await sockets.serve_udp(job.params["port"], answer, groups=groups)


@program
async def serve_broker(me: Actor, job: Job) -> None:
    """A real mosquitto, open to all."""
    port = job.params.get("port", 1883)
    settings = Path(me.directory) / f"{me.host.name}-{port}.conf"
    settings.write_text(
        f"listener {port}\nallow_anonymous true\npersistence false\nuser root\nlog_dest none\n",
        encoding="ascii",
    )
    await me.tool(str(tools.find("mosquitto")), "-c", str(settings))


@program
async def serve_iperf(me: Actor, job: Job) -> None:
    """A real iperf3 server."""
    with contextlib.suppress(ProcessLookupError):
        await me.tool("iperf3", "-s", "-p", str(job.params.get("port", 5201)))
