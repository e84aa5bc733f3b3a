"""The small talk of a network: DNS, NTP, pings, mDNS, SSDP, NetBIOS-like broadcasts."""

import asyncio

from train.lab import sockets
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.programs.web import dns_query
from train.lab.registry import program

NTP_QUERY = b"\x23" + bytes(47)


@program
async def dns_lookups(me: Actor, job: Job) -> None:
    """Names at `rate` per second; a new source port each time, as resolvers do."""
    p = job.params
    async for _ in me.paced(p["rate"], shape=p.get("shape", "poisson")):
        with sockets.datagram(p["resolver"]) as sock:
            await sockets.ask(sock, dns_query(me, "host"), (p["resolver"], 53), patience=0.3)


@program
async def dns_burst(me: Actor, job: Job) -> None:
    """`names` lookups at once, A and AAAA, again every `period` seconds."""
    p = job.params
    async for _ in me.paced(1 / p["period"]):
        await asyncio.gather(*(_one_name(me, p["resolver"]) for _ in range(p["names"])))


async def _one_name(me: Actor, resolver: str) -> None:
    with sockets.datagram(resolver) as sock:
        query = dns_query(me, "burst")
        await sockets.ask(sock, query, (resolver, 53), patience=0.5)
        await sockets.ask(sock, query[:-3] + b"\x1c\x00\x01", (resolver, 53), patience=0.5)


@program
async def ntp_sync(me: Actor, job: Job) -> None:
    """Ask each of `servers` the time, every `period` seconds, from port 123 or a random one."""
    p = job.params
    async for _ in me.paced(1 / p["period"]):
        for server in p["servers"]:
            with sockets.datagram(server, port=p.get("source_port", 0)) as sock:
                await sockets.ask(sock, NTP_QUERY, (server, 123), patience=0.4)


@program
async def ping(me: Actor, job: Job) -> None:
    """The real ping, one target."""
    p = job.params
    await me.tool("ping", "-n", "-i", str(p["period"]), "-s", str(p.get("bytes", 56)), p["target"])


@program
async def mdns(me: Actor, job: Job) -> None:
    """Questions and announcements to 224.0.0.251, in bursts of up to three as RFC 6762 has it."""
    query = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x05_http\x04_tcp\x05local\0\0\x0c\0\x01"
    answer = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x05_http\x04_tcp\x05local\0"
    answer += b"\0\x0c\0\x01\0\0\x11\x94\0\x08\x03cam\xc0\x0c\0\0"
    with sockets.datagram("224.0.0.251", port=5353) as sock:
        async for _ in me.paced(1 / job.params["period"], shape="poisson"):
            for _ in range(me.rng.randint(1, 3)):
                sockets.send(sock, me.rng.choice((query, answer)), ("224.0.0.251", 5353))
                await asyncio.sleep(0.25 * me.rng.random())


@program
async def ssdp_search(me: Actor, job: Job) -> None:
    """UPnP discovery: a burst of M-SEARCHes, then listening for the answers."""
    p = job.params
    targets = ("ssdp:all", "upnp:rootdevice", "urn:dial-multiscreen-org:service:dial:1")
    async for _ in me.paced(1 / p["period"], shape="poisson"):
        with sockets.datagram("239.255.255.250") as sock:
            for _ in range(p.get("repeat", 3)):
                target = me.rng.choice(targets)
                search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
                search += f'MAN: "ssdp:discover"\r\nMX: 2\r\nST: {target}\r\n\r\n'
                sockets.send(sock, search.encode(), ("239.255.255.250", 1900))
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)


@program
async def announce(me: Actor, job: Job) -> None:
    """Broadcasts of a proprietary discovery protocol (Tuya, Dropbox and their like)."""
    p = job.params
    with sockets.datagram("255.255.255.255", port=p["port"]) as sock:
        sock.setsockopt(1, 25, b"eth0\0")  # SO_BINDTODEVICE: 255.255.255.255 needs no route then
        async for _ in me.paced(1 / p["period"]):
            sockets.send(sock, me.rng.randbytes(p["bytes"]), ("255.255.255.255", p["port"]))


@program
async def keep_alive(me: Actor, job: Job) -> None:
    """Small datagrams that keep a hole in somebody's NAT open."""
    p = job.params
    with sockets.datagram(p["server"], port=p.get("source_port", 0)) as sock:
        async for _ in me.paced(1 / p["period"]):
            await sockets.ask(sock, me.rng.randbytes(p["bytes"]), (p["server"], p["port"]), patience=0.2)
