"""The general clients talk to real servers on loopback, as often as they may, and no more."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from train.lab import programs, tools
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.programs import crowd, servers

LOCAL, SOURCES = "127.0.0.1", ["127.0.0.2", "127.0.0.3"]


def free_port() -> int:
    """A port that no client of the kernel's choosing takes meanwhile."""
    for port in range(21_000, 30_000):
        with socket.socket(socket.AF_INET6) as sock, contextlib.suppress(OSError):
            sock.bind(("::", port))
            return port
    raise AssertionError("all ports are taken")


class Host(SimpleNamespace):
    """An actor's random numbers and pace, in this process."""

    paced, _gap = Actor.paced, Actor._gap


def job(**params: Any) -> Job:
    return Job(program="", start=0, seconds=5, params=params)


async def beside(server: Awaitable[None], client: Awaitable[None], seconds: float) -> None:
    serving = asyncio.ensure_future(server)
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(seconds):
            await client
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
def talks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every exchange that was answered whole."""
    done: list[str] = []

    def counted(name: str, talk: crowd.Talk) -> crowd.Talk:
        async def counting(*given: Any) -> None:
            await talk(*given)
            done.append(name)

        return counting

    monkeypatch.setattr(crowd, "_TALK", {name: counted(name, talk) for name, talk in crowd._TALK.items()})
    return done


@pytest.mark.parametrize(
    ("protocol", "server"),
    [
        ("http", servers.serve_http),
        ("raw", servers.serve_exchange),
        ("raw-tls", servers.serve_exchange),
        ("modbus", servers.serve_modbus),
        ("line", servers.serve_banner),
    ],
)
@pytest.mark.parametrize("exchanges", [1, 4])
def test_clients_stop_after_as_many_exchanges_as_they_may_have(
    tmp_path: Path, talks: list[str], protocol: str, server: Any, exchanges: int
) -> None:
    protocol, _, tls = protocol.partition("-")
    if tls:
        if tools.find("openssl") is None:
            pytest.skip("needs openssl for a certificate")
        programs.prepare(tmp_path)
    me: Any = Host(rng=random.Random(1), directory=str(tmp_path))
    port = free_port()
    client = crowd.conversations(
        me,
        job(
            servers=[LOCAL], sources=SOURCES, port=port, protocol=protocol, tls=bool(tls), clients=6,
            exchanges=exchanges, ask=30, reply=900, think=0.0, pause=0.0, spread=0.05, count=25,
        ),
    )  # fmt: skip
    asyncio.run(beside(server(me, job(port=port, tls=bool(tls))), client, 8))
    assert talks == [protocol] * 25


def test_clients_of_a_dead_server_come_back_ever_later(talks: list[str]) -> None:
    me: Any = Host(rng=random.Random(1))
    client = crowd.conversations(
        me,
        job(
            servers=[LOCAL], port=free_port(), protocol="raw", clients=2, exchanges=1, ask=1, reply=1,
            think=0.0, pause=0.0, spread=0.0, count=1,
        ),
    )  # fmt: skip
    with pytest.raises(TimeoutError):
        asyncio.run(beside(asyncio.sleep(9), client, 1))
    assert talks == []


async def received(sock: socket.socket) -> AsyncIterator[tuple[bytes, tuple[str, int]]]:
    while True:
        try:
            yield sock.recvfrom(2048)
        except BlockingIOError:
            return


@pytest.mark.parametrize(("fresh", "ports"), [(0.0, 4), (1.0, 60)])
def test_datagrams_come_from_all_sources_and_end(fresh: float, ports: int) -> None:
    async def play() -> list[tuple[bytes, tuple[str, int]]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((LOCAL, 0))
            sock.setblocking(False)
            me: Any = Host(rng=random.Random(1))
            await crowd.datagrams(
                me,
                job(
                    servers=[LOCAL], sources=SOURCES, port=sock.getsockname()[1], kind="raw",
                    bytes=[10, 20], flows=2,
                    fresh=fresh, stay=1, rate=2000, count=64,
                ),
            )  # fmt: skip
            return [row async for row in received(sock)]

    rows = asyncio.run(play())
    assert len(rows) == 64
    assert {host for _, (host, _) in rows} == set(SOURCES)
    assert (
        ports <= len({peer for _, peer in rows}) <= 64 if fresh else len({peer for _, peer in rows}) == ports
    )
    assert all(10 <= len(data) <= 20 for data, _ in rows)


def test_a_datagram_asks_for_as_many_answers_as_it_wants() -> None:
    me: Any = Host(rng=random.Random(1))
    params = {"kind": "exchange", "bytes": [4, 4], "answers": 3, "every": 2, "reply": 70}
    asked = [crowd._message(me, params, number, bytes(1472)) for number in (0, 1)]
    assert [[len(reply) for reply in servers._exchange_answer(ask)] for ask in asked] == [[70] * 3, []]


def test_all_keep_to_one_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    def rests(params: dict[str, float], seconds: float) -> float:
        me: Any = Host(rng=random.Random(1))
        with pytest.raises(StopIteration):  # nothing suspends it: no loop is needed
            crowd._rest(me, params, seconds).send(None)
        return waited[-1]

    monkeypatch.setattr(asyncio, "sleep", note)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: SimpleNamespace(time=lambda: 100.25))
    assert 0.25 <= rests({"beat": 0.5}, 1.0) < 0.28  # at 100.5, and not quite
    assert 1.75 <= rests({"beat": 3.0}, 1.0) < 1.78
    assert 0.25 <= rests({"beat": 3.0, "ahead": 0.5}, 1.0) < 0.28  # a moment of its own, 1.5 s earlier
    assert 0.28 < rests({"beat": 3.0, "ahead": 0.5, "off_beat": 0.9}, 1.0) < 1.15
    assert rests({"beat": 3.0}, 0.0) == 0  # between two exchanges
    assert 0.7 <= rests({}, 1.0) <= 1.3
