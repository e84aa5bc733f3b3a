"""Answers come from the address that was asked, and silence is no error."""

import asyncio
import socket
from typing import Any

import pytest

from train.lab import sockets


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def with_service(port: int, answer: sockets.Answer, client: Any) -> Any:
    """Run a client against a datagram service."""
    service = asyncio.create_task(sockets.serve_udp(port, answer))
    await asyncio.sleep(0.05)
    try:
        return await client()
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.7"])
def test_an_answer_comes_from_the_asked_address(asked: str) -> None:
    port = free_port()

    async def client() -> tuple[bytes, Any]:
        with sockets.datagram("127.0.0.1") as sock:
            sockets.send(sock, b"ping", (asked, port))
            async with asyncio.timeout(2):
                return await asyncio.get_running_loop().sock_recvfrom(sock, 100)

    data, peer = asyncio.run(with_service(port, lambda query: query + b"!", client))
    assert (data, peer) == (b"ping!", (asked, port))


def test_no_answer_is_none() -> None:
    port = free_port()

    async def client() -> bytes | None:
        with sockets.datagram("127.0.0.1") as sock:
            return await sockets.ask(sock, b"ping", ("127.0.0.1", port), patience=0.1)

    assert asyncio.run(with_service(port, lambda _: None, client)) is None


def test_a_closed_port_is_no_error_when_asking() -> None:
    async def client() -> bytes | None:
        with sockets.datagram("127.0.0.1") as sock:
            await sockets.ask(sock, b"ping", ("127.0.0.1", 9), patience=0.1)
            return await sockets.ask(sock, b"ping", ("127.0.0.1", 9), patience=0.1)

    assert asyncio.run(client()) is None


def test_a_server_that_never_answers_is_a_connection_error() -> None:
    async def client() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            async with (
                sockets.connection("127.0.0.1", port),
                sockets.connection("127.0.0.1", port, timeout=0.2),
                sockets.connection("127.0.0.1", port, timeout=0.2),
            ):
                pass

    with pytest.raises(ConnectionError, match=r"no answer from 127\.0\.0\.1 port \d+ in 0\.2 s"):
        asyncio.run(client())


def test_a_connection_leaves_from_the_chosen_source() -> None:
    async def client() -> str:
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(writer.get_extra_info("peername")[0])
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, sockets.connection("127.0.0.1", port, source="127.0.0.9"):
            return await seen

    assert asyncio.run(client()) == "127.0.0.9"
