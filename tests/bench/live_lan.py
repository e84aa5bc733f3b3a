"""A small network of hosts on one bridge, and what goes on in it."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

from tests import network
from tests.bench.live_frames import VICTIM
from tests.bench.live_programs import Host, bounded, host, running

BRIDGE = "lan"
PROGRAMS = ("nmap", "curl", "mosquitto", "mosquitto_pub", "ping")

_ADDRESSES = {
    "victim": VICTIM,
    "scanner": "192.168.1.66",
    "target": "192.168.1.7",
    "server": "192.168.1.10",
    "browser": "192.168.1.21",
    "sensor": "192.168.1.22",
    "pinger": "192.168.1.23",
}
_LONGEST_SECS = 60.0
_PAGE_BYTES = 20_000


@contextmanager
def lan(folder: Path) -> Iterator[dict[str, Host]]:
    """Make bridge and hosts in the present namespace, with a web server and a broker in one of them."""
    network.ip(f"link add {BRIDGE} type bridge forward_delay 0")
    network.ip(f"link set {BRIDGE} up")
    (folder / "index.html").write_bytes(b"x" * _PAGE_BYTES)
    broker = folder / "broker.conf"
    broker.write_text("listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n")
    with ExitStack() as stack:
        hosts = {
            name: stack.enter_context(host(name, f"{address}/24", BRIDGE))
            for name, address in _ADDRESSES.items()
        }
        web = [sys.executable, "-m", "http.server", "80", "--directory", str(folder)]
        for words in (web, ["mosquitto", "-c", str(broker)]):
            stack.enter_context(_on(hosts["server"], words))
        yield hosts


def _on(place: Host, words: list[str]) -> AbstractContextManager[Popen[bytes]]:
    return running(bounded([*place.inside, *words], _LONGEST_SECS))


@contextmanager
def ordinary_traffic(hosts: dict[str, Host]) -> Iterator[None]:
    """Have hosts fetch a page, publish and listen to readings, and ping, until the end of the block."""
    server = hosts["server"].address
    page = f"while :; do curl -s -m 2 -o /dev/null http://{server}/; sleep 0.5; done"
    reading = f"while :; do mosquitto_pub -h {server} -t home -m 21.5; sleep 1; done"
    doings = [
        ("browser", ["sh", "-c", page]),
        ("sensor", ["sh", "-c", reading]),
        ("pinger", ["mosquitto_sub", "-h", server, "-t", "home"]),
        ("pinger", ["ping", "-i", "0.5", server]),
    ]  # no shell may leave a program behind that goes on
    with ExitStack() as stack:
        for name, words in doings:
            stack.enter_context(_on(hosts[name], words))
        yield


def scan(hosts: dict[str, Host]) -> AbstractContextManager[Popen[bytes]]:
    """Scan 300 ports of a host, 100 a second."""
    words = ["nmap", "-sS", "-Pn", "-n", "-p1-300", "--max-rate", "100", hosts["target"].address]
    return _on(hosts["scanner"], words)
