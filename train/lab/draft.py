"""A world while it is being drawn: the network, and the helpers that add to it."""

import ipaddress
import math
import random
from collections.abc import Sequence
from typing import Any

from detector.records import Category
from train.lab import network
from train.lab.plan import Event, Host, Job, Link, World

_MAKERS = (
    "18:b4:30",
    "b8:27:eb",
    "ec:fa:bc",
    "50:c7:bf",
    "d0:73:d5",
    "00:17:88",
    "68:c6:3a",
    "3c:71:bf",
    "a4:cf:12",
)
"""First halves of addresses that makers of such devices use."""

_CLOUD6_STEM = "2001:db8:c10d::"
CLOUD6 = f"{_CLOUD6_STEM}/48"
"""The internet's addresses of IPv6, all of which answer."""

_ONE_WAY_SHARE = 0.08
"""Of the worlds: their capture misses what one host sends."""

KINDS = (
    *("camera", "sensor", "plug", "plc", "hub", "phone"),
    *("laptop", "nas", "printer", "tv", "speaker", "meter"),
)

QUARTERS = ("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2")
"""Of the internet."""


class Draft:
    """Everything drawn so far; the generator is the only source of chance."""

    def __init__(
        self, seed: int, kind: str, seconds: tuple[float, float], *, devices: tuple[int, int] = (3, 11)
    ) -> None:
        self.rng = rng = random.Random(f"world {seed}")  # noqa: S311 - traffic, not secrets
        self.seed, self.kind = seed, kind
        self.seconds = round(rng.uniform(*seconds), 2)
        self.lan = _lan(rng)
        self.lan6 = (
            ipaddress.IPv6Network((rng.getrandbits(56) << 64 | 0xFD << 120, 64)) if self.chance(0.3) else None
        )
        self._taken: set[str] = set()
        self._names: dict[str, int] = {}
        self.events: list[Event] = []
        self.hosts: list[Host] = []
        self.max_packets = 60_000
        first = str(self.lan[1] if self.chance(0.8) else self.lan[-2])
        self._taken.add(first)
        self.gateway = self._host("gateway", first)
        self.internet = self._wan_host("internet", f"{network.INTERNET}/24", ["0.0.0.0/0", CLOUD6])
        self.clouds = [self.public_address() for _ in range(rng.randint(3, 14))]
        """Addresses in the internet that the devices know."""
        self.clouds6 = [
            f"{_CLOUD6_STEM}{rng.randint(1, 65_535):x}:{rng.randint(1, 65_535):x}" for _ in self.clouds
        ]
        self.internet.pools += [f"{address}/32" for address in self.clouds]
        self.internet.silent = rng.sample(QUARTERS, rng.randint(1, 4))
        self.internet.silence = rng.choice(("blackhole", "blackhole", "blackhole", "prohibit", "unreachable"))
        self.devices = [self.add_device(rng.choice(KINDS)) for _ in range(rng.randint(*devices))]
        self._bad_radio()

    # Hosts and addresses

    def add_device(self, kind: str) -> Host:
        """Add a host to the captured network."""
        host = self._host(kind, self.lan_address())
        self.hosts.append(host)
        return host

    def add_crowd(self, mutes: tuple[bool, ...] | None = None) -> list[Host]:
        """Add up to two hosts with many addresses each: the rest of a large network.

        Without them a sweep of the network is little but ARP. One answers, with closed ports and a few
        open ones; one is mute.
        """
        crowd = []
        for mute in mutes or self.rng.choice(((False,), (True,), (False, True), (False, True))):
            host = self.add_device("crowd")
            host.mute = mute
            room = min(90, self.lan.num_addresses // 4)
            host.addresses += [
                f"{self.lan_address()}/{self.lan.prefixlen}" for _ in range(self.rng.randint(room // 4, room))
            ]
            crowd.append(host)
        return crowd

    def add_outsider(self, pool_prefix: int = 28) -> Host:
        """Add a host behind the gateway with a public network of its own as `pools`."""
        number = 2 + sum(host.segment == "wan" for host in self.hosts)
        pool = ipaddress.ip_network(f"{self.public_address()}/{pool_prefix}", strict=False)
        return self._wan_host("outsider", f"100.64.0.{number}/24", [str(pool)])

    def _wan_host(self, kind: str, address: str, pools: list[str]) -> Host:
        addresses = [address]
        if self.lan6:
            number = address.split("/", maxsplit=1)[0].rpartition(".")[2]
            addresses.append(f"{network.UPLINK6}{number}/64")
        rng = self.rng
        far = Link(
            delay_ms=round(rng.uniform(1, 60), 1),
            jitter_ms=round(rng.uniform(0, 4), 1),
            loss=rng.choice((0, 0, 0.002)),
        )
        host = Host(
            name=self._name(kind),
            kind=kind,
            mac=self._mac(),
            addresses=addresses,
            segment="wan",
            pools=[pool for pool in pools if self.lan6 or ":" not in pool],
            ttl=rng.choice((52, 55, 57, 113, 118, 245)),
            link=far if self.chance(0.75) else Link(),
        )
        self.hosts.append(host)
        return host

    def _host(self, kind: str, address: str) -> Host:
        rng = self.rng
        addresses = [f"{address}/{self.lan.prefixlen}"]
        if self.lan6 and (kind == "gateway" or self.chance(0.7)):
            addresses.append(f"{self.lan6[1 if kind == 'gateway' else rng.getrandbits(48) + 2]}/64")
        return Host(
            name=self._name(kind),
            kind=kind,
            mac=self._mac(),
            addresses=addresses,
            mtu=1500 if kind == "gateway" else rng.choice((1500, 1500, 1500, 1500, 1492, 1450, 1400, 1280)),
            ttl=rng.choice((64, 64, 64, 128, 255)),
            sysctls={
                "net.ipv4.tcp_timestamps": rng.choice(("1", "1", "0")),
                "net.ipv4.tcp_sack": rng.choice(("1", "1", "0")),
                "net.ipv4.tcp_window_scaling": rng.choice(("1", "1", "0")),
                "net.ipv4.icmp_ratelimit": rng.choice(("1000", "1000", "100", "0")),
                "net.ipv4.tcp_synack_retries": rng.choice(("1", "2", "5")),
            },
        )

    def _bad_radio(self) -> None:
        """Some devices hang on a poor radio link."""
        for host in self.devices:
            if self.chance(0.3):
                host.link = Link(
                    delay_ms=round(self.rng.uniform(0.5, 15), 1),
                    jitter_ms=round(self.rng.uniform(0.2, 6), 1),
                    loss=round(self.rng.choice((0, 0, self.rng.uniform(0, 0.04))), 4),
                )

    def _name(self, kind: str) -> str:
        self._names[kind] = self._names.get(kind, 0) + 1
        return f"{kind}-{self._names[kind]}"

    def _mac(self) -> str:
        tail = self.rng.randbytes(3)
        return f"{self.rng.choice(_MAKERS)}:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"

    def lan_address(self) -> str:
        """Return an address of the captured network that nobody has yet."""
        while True:
            address = str(self.lan[self.rng.randint(2, self.lan.num_addresses - 3)])
            if address not in self._taken:
                self._taken.add(address)
                return address

    def public_address(self) -> str:
        """Return an address of the internet, far from private and special networks."""
        rng = self.rng
        while True:
            first = rng.choice(
                (5, 13, 23, 31, 34, 45, 51, 52, 62, 77, 85, 91, 103, 119, 139, 151, 178, 185, 201, 213)
            )
            address = f"{first}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
            if address not in self._taken:
                self._taken.add(address)
                return address

    # Time, chance and jobs

    def between(self, low: float, high: float) -> float:
        """Draw evenly on a logarithmic scale: rates and sizes."""
        return round(math.exp(self.rng.uniform(math.log(low), math.log(high))), 4)

    def whole(self, low: int, high: int) -> int:
        return round(self.between(low, high))

    def span(self, shortest: float, longest: float | None = None) -> tuple[float, float]:
        """Draw when something happens: `(start, seconds)` inside the world's time."""
        room = self.seconds - 0.5
        length = self.rng.uniform(min(shortest, room), min(longest or room, room))
        return round(self.rng.uniform(0.3, max(0.31, room - length)), 3), round(length, 3)

    def chance(self, share: float) -> bool:
        """Draw yes or no."""
        return self.rng.random() < share

    def pick(self, *kinds: str, but: Sequence[Host] = ()) -> Host:
        """Return a device of one of `kinds`, a new one if there is none, or any device when none is named."""
        fitting = [host for host in self.devices if (not kinds or host.kind in kinds) and host not in but]
        if fitting:
            return self.rng.choice(fitting)
        host = self.add_device(self.rng.choice(kinds or KINDS))
        self.devices.append(host)
        return host

    def serve(self, host: Host, program: str, port: int, *, until: float | None = None, **params: Any) -> int:
        """Make sure that something serves on a port of `host`, to the end or `until` then.

        What is there stays. Returns the port.
        """
        if not any(job.params.get("port") == port and job.program.startswith("serve") for job in host.jobs):
            seconds = until or self.seconds + 1
            host.jobs.append(Job(program=program, start=0, seconds=seconds, params={"port": port, **params}))
        return port

    def run(
        self,
        host: Host,
        program: str,
        when: tuple[float, float] | None = None,
        *,
        event: int | None = None,
        **params: Any,
    ) -> None:
        """Let `host` run a program, by default from some early moment to the end."""
        if when is None:
            start = round(self.rng.uniform(0, min(3.0, self.seconds / 4)), 3)
            when = (start, self.seconds - start)
        host.jobs.append(Job(program=program, start=when[0], seconds=when[1], params=params, event=event))

    def event(
        self,
        category: Category | None,
        tool: str,
        attackers: Sequence[str],
        victims: Sequence[str],
        least: float = 0.0,
        **params: Any,
    ) -> int:
        """Enter an event and return its index."""
        self.events.append(
            Event(
                category=category,
                tool=tool,
                attackers=list(attackers),
                victims=list(victims),
                params=params,
                least=least,
            )
        )
        return len(self.events) - 1

    def world(self) -> World:
        return World(
            seed=self.seed,
            kind=self.kind,
            seconds=self.seconds,
            lan4=str(self.lan),
            lan6=str(self.lan6) if self.lan6 else None,
            gateway=self.gateway,
            hosts=self.hosts,
            events=self.events,
            unseen=self._unseen(),
            max_packets=self.max_packets,
        )

    def _unseen(self) -> list[str]:
        """Leave one host's frames out now and then: a victim's, else a busy server's; no attacker's."""
        if not self.chance(_ONE_WAY_SHARE):
            return []
        hostile = {n for n, event in enumerate(self.events) if event.category is not Category.BENIGN}
        innocent = [host for host in self.hosts if not hostile & {job.event for job in host.jobs}]
        local = [host for host in innocent if host.segment == "lan"]
        hit = {victim for n in hostile or range(len(self.events)) for victim in self.events[n].victims}
        chosen = [host for host in local if {host.address, host.address6} & hit] or local
        return [self.rng.choice(chosen).mac] if chosen else []


def _lan(rng: random.Random) -> ipaddress.IPv4Network:
    prefix = rng.choice((24, 24, 24, 24, 23, 22, 25, 26))
    base = rng.choice(
        (
            f"192.168.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
            f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
            f"172.{rng.randint(16, 31)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
        )
    )
    return ipaddress.IPv4Network(f"{base}/{prefix}", strict=False)
