"""What a world consists of, as plain values: drawn from a seed, written down, played, never changed.

A `World` holds `Host`s, each with `Job`s (a program, when it starts, how long it may run), and the
`Event`s that are the truth about it. Everything goes to JSON and back, so that the namespaces' first
process gets its orders from a file, and a world can be played again.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from detector.records import Category

Params = dict[str, Any]
"""A job's settings: JSON values only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How bad the cable (or the radio) of a host is; all zero means a plain veth."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    """Share of frames lost, each way."""

    @property
    def impaired(self) -> bool:
        return self.delay_ms > 0 or self.jitter_ms > 0 or self.loss > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One program on one host."""

    program: str
    """Name in `registry.PROGRAMS`."""
    start: float
    """Seconds after the world's first moment; servers start at 0."""
    seconds: float
    """The job is ended after so long, whatever it does."""
    params: Params = field(default_factory=dict)
    event: int | None = None
    """Index into the world's events when this job is part of one."""


@dataclass(slots=True, kw_only=True)
class Host:
    """One machine: a network namespace with one interface and one process that runs the jobs."""

    name: str
    kind: str
    mac: str
    addresses: list[str]
    """With prefix length; the first is the one that tools use."""
    segment: str = "lan"
    """`lan`: on the captured switch. `wan`: behind the gateway."""
    pools: list[str] = field(default_factory=list)
    """Networks whose every address is this host's (behind the gateway only)."""
    silent: list[str] = field(default_factory=list)
    """Networks inside the pools where nobody answers."""
    silence: str = "blackhole"
    """How nobody does: `blackhole`, or `prohibit` and `unreachable` with an ICMP error."""
    mute: bool = False
    """It takes packets and answers none: a firewalled machine. (It does answer ARP.)"""
    mtu: int = 1500
    ttl: int = 64
    sysctls: dict[str, str] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    jobs: list[Job] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The first address, without its prefix length."""
        return self.addresses[0].split("/")[0]

    @property
    def address6(self) -> str | None:
        """The IPv6 address, where it has one."""
        return next((address.split("/")[0] for address in self.addresses if ":" in address), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The truth about something worth naming: who did what to whom.

    `attackers` and `victims` hold addresses; `["*"]` stands for any address that is no bystander
    (random spoofed sources, the whole internet as target). Busy but harmless life is an event of
    class Benign.
    """

    category: Category | None
    """None is hostile, but none of the classes: guessed passwords, an infected device's orders."""
    tool: str
    attackers: list[str]
    victims: list[str]
    params: Params = field(default_factory=dict)
    least: float = 0.0
    """Packets a second, both ways, below which it was none of the classes: a flood of requests to a server
    that takes seconds for each, or that nobody lets in, is no flood that packets show."""


@dataclass(slots=True, kw_only=True)
class World:
    """One capture to be."""

    seed: int
    kind: str
    seconds: float
    lan4: str
    lan6: str | None
    gateway: Host
    hosts: list[Host]
    events: list[Event] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Hardware addresses whose frames the capture misses: a tap that sees one direction."""
    max_packets: int = 60_000
    snap_bytes: int = 192
    """Headers are all that the meter reads (sizes come from them): flows are the same, files a tenth."""

    @property
    def everyone(self) -> list[Host]:
        return [self.gateway, *self.hosts]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        events = [
            Event(**{**event, "category": Category(event["category"]) if event["category"] else None})
            for event in document["events"]
        ]
        return cls(
            **{
                **document,
                "gateway": _host(document["gateway"]),
                "hosts": [_host(host) for host in document["hosts"]],
                "events": events,
            }
        )


def _host(document: dict[str, Any]) -> Host:
    jobs = [Job(**job) for job in document["jobs"]]
    return Host(**{**document, "link": Link(**document["link"]), "jobs": jobs})
