"""Sockets as the programs need them: bound to a chosen source, and UDP answers from the address asked."""

import asyncio
import contextlib
import functools
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable

_IPV6_PKTINFO = 50
_IP_PKTINFO = 8
_IPV6_RECVPKTINFO = 49

Answer = Callable[[bytes], bytes | list[bytes] | None]
"""A datagram's reply, or several; None keeps silent."""


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextlib.asynccontextmanager
async def connection(
    address: str,
    port: int,
    *,
    source: str | None = None,
    tls: bool = False,
    timeout: float = 5.0,  # noqa: ASYNC109 - a client's own patience, shorter than its job's
    buffer_bytes: int | None = None,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a TCP connection, with TLS where asked, and close it in the end.

    `buffer_bytes` makes it one that takes no more than so much before it is read.

    Raises:
        OSError: refused, unreachable or too slow.
    """
    try:
        async with asyncio.timeout(timeout):
            sock = await _connected(address, port, source, buffer_bytes)
            reader, writer = await asyncio.open_connection(
                sock=sock,
                limit=buffer_bytes or 65_536,
                ssl=_tls() if tls else None,
                server_hostname="" if tls else None,
            )
    except TimeoutError as error:
        raise ConnectionError(f"no answer from {address} port {port} in {timeout} s") from error
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _connected(address: str, port: int, source: str | None, buffer_bytes: int | None) -> socket.socket:
    sock = socket.socket(family(address), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        if source:
            sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def datagram(address: str, *, source: str | None = None, port: int = 0) -> socket.socket:
    """Return a non-blocking UDP socket that speaks to `address`'s family, from `source` and `port`."""
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if source or port:
        sock.bind((source or ("::" if ":" in address else "0.0.0.0"), port))  # noqa: S104
    return sock


def send(sock: socket.socket, data: bytes, to: tuple[str, int]) -> bool:
    """Send without waiting; False where the network refuses or the queue is full."""
    try:
        sock.sendto(data, to)
    except OSError:
        return False
    return True


async def ask(
    sock: socket.socket, data: bytes, to: tuple[str, int], *, patience: float = 1.0
) -> bytes | None:
    """Send a datagram and wait for one back."""
    if not send(sock, data, to):
        return None
    try:
        async with asyncio.timeout(patience):
            return await asyncio.get_running_loop().sock_recv(sock, 65_535)
    except (TimeoutError, OSError):
        return None


async def serve_udp(port: int, answer: Answer, *, groups: tuple[str, ...] = ()) -> None:
    """Answer datagrams on a port of every address, from the address that was asked, until cancelled."""
    loop = asyncio.get_running_loop()
    socks = [_listener(kind, port, groups) for kind in (socket.AF_INET, socket.AF_INET6)]
    try:
        for sock in socks:
            loop.add_reader(sock, _reply, sock, answer)
        await asyncio.Event().wait()
    finally:
        for sock in socks:
            loop.remove_reader(sock)
            sock.close()


def _listener(kind: socket.AddressFamily, port: int, groups: tuple[str, ...]) -> socket.socket:
    sock = socket.socket(kind, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        sock.bind(("::", port))
        return sock
    sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    sock.bind(("", port))
    for group in groups:
        with contextlib.suppress(OSError):
            joined = ipaddress.IPv4Address(group).packed + b"\0\0\0\0"
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    return sock


def _reply(sock: socket.socket, answer: Answer) -> None:
    with contextlib.suppress(OSError):
        for _ in range(64):
            data, ancillary, _, peer = sock.recvmsg(65_535, 256)
            reply = answer(data)
            for part in reply if isinstance(reply, list) else [reply]:
                if part is not None:
                    sock.sendmsg([part], _from_asked(ancillary), 0, peer)


def _from_asked(ancillary: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Turn the received packet information into what sends from the address that was asked."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            asked = data[8:12]
            if asked[0] >= 224:  # noqa: PLR2004 - a multicast group is asked by all and answers for none
                return []
            return [(level, kind, struct.pack("=I4s4s", 0, asked, asked))]
        if level == socket.IPPROTO_IPV6 and kind == _IPV6_PKTINFO:
            return [(level, kind, data[:16] + struct.pack("=I", 0))]
    return []
