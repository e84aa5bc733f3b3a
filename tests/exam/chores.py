"""What machines of a house do: ordinary life there, and the words for anything else.

In the words, `{net}` is the first three numbers of the house's network, `{hub}` its busiest device,
`{gateway}` the gateway, `{far}` the first three numbers of the public network, `{work}` a folder with what
`home` puts there, `{last}` the last number of the address that a chore is done from, or its own number, and
`{turn}` how often it was done before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

GATEWAY, PUBLIC = "gateway", "public"
DEVICES = range(10, 20)
ADDRESSES = range(1, 61)
"""Last numbers of the public network's addresses."""
_EVER = 1_000_000


@dataclass(frozen=True, slots=True)
class Chore:
    """What is done at one place: by the gateway, in public, or by a device, whose place is its number."""

    place: str
    words: tuple[str, ...]
    times: int = 1
    pause: float = 0.0
    """Seconds after each time."""
    last: int = 0
    after: float = 0.0
    """Seconds before the first time."""


def one(place: int | str, line: str, times: int = 1, pause: float = 0.0, after: float = 0.0) -> Chore:
    return Chore(str(place), tuple(line.split()), times, pause, after=after)


def several(place: int, lines: Iterable[str], times: int = 1, pause: float = 0.0) -> tuple[Chore, ...]:
    """Several programs at one place."""
    return tuple(one(place, line, times, pause) for line in lines)


def on_devices(devices: Iterable[int], line: str, times: int = 1, pause: float = 0.0) -> tuple[Chore, ...]:
    """One program on several devices, `{last}` being the device's number."""
    return tuple(Chore(str(last), tuple(line.split()), times, pause, last) for last in devices)


def copies(
    place: int | str, lasts: Iterable[int], line: str, times: int = 1, pause: float = 0.0
) -> tuple[Chore, ...]:
    """One program several times at one place, `{last}` being the copy's number."""
    return tuple(Chore(str(place), tuple(line.split()), times, pause, last) for last in lasts)


_WEB = "nginx -c {work}/nginx.conf"
_BROKER = "mosquitto -c {work}/mosquitto.conf"
_NAMES = "dnsmasq -k -C /dev/null --no-resolv --no-hosts --address=/#/{far}.7 -x {work}/"
_POLLED = "snmpd -f -C -c {work}/snmpd.conf -p {work}/"
_SHELL = "dropbear -F -E -R -p 22 -r {work}/key -P {work}/"
GET = "curl -s -o /dev/null -m 2 http://"
ASK = "dig +tries=1 +time=1 @{gateway} "

SERVERS = (
    *(one(place, line) for place in (19, PUBLIC) for line in (_WEB, _BROKER, "iperf3 -s")),
    one(PUBLIC, "iperf3 -s -p 5202"),
    *(one(place, f"{_NAMES}names-{place}") for place in (GATEWAY, PUBLIC)),
    *(one(place, f"{_SHELL}shell-{place}") for place in (18, 19)),
    *(one(place, f"{_POLLED}polled-{place}") for place in (17, 19)),
    one(19, "coap-server-notls -A {hub} -p 5683"),
)
"""There all the time."""

LIFE = (
    one(10, "mosquitto_pub -h {hub} -i th -t home/th -m 21.5 --repeat 999 --repeat-delay 2"),
    one(11, "mosquitto_sub -h {hub} -i ui -t home/#"),
    one(12, f"{GET}{{far}}.20/api", _EVER, 4),
    one(12, f"{ASK}api.cloud.example", _EVER, 5),
    one(13, "iperf3 -c {far}.1 -p 5202 -u -b 900k -l 1100 -t 300"),
    one(14, "ping -i 2 {gateway}"),
    one(15, f"{GET}{{far}}.30/{{turn}}.html", 50, 3),
    one(16, "mosquitto_pub -h {far}.9 -i cam -t c -m x -q 1", _EVER, 6),
)
"""Ordinary life, on seven devices."""
