"""Carry TCP connections into a network namespace: `python -m tests.demo.relay DESCRIPTOR PORT`.

The listening socket was opened outside and is inherited; connections go to a port of this namespace's
loopback. So a Prometheus outside scrapes a detector inside.
"""

import asyncio
import socket
import sys
from contextlib import suppress

_CHUNK_BYTES = 65_536


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(_CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
    target.close()


async def _serve(listening: socket.socket, port: int) -> None:
    async def relay(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            server, there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            back.close()
            return
        await asyncio.gather(_copy(client, there), _copy(server, back))

    async with await asyncio.start_server(relay, sock=listening) as running:
        await running.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])))
