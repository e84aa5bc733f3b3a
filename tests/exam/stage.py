"""Two machines and a switch, in namespaces of their own: one serves, the other plays, the switch records.

Nothing else is there, and nothing reaches any other network.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.exam.ground import filled, furnish, ip, keep, namespaces, recording, running, unmerged
from tests.exam.scenarios import Scenario

_SETTLE_SECS = 2.0
_IMAGE_BYTES = 30_000_000
_SIX = "fd77:77"


def play(scenario: Scenario, capture: Path, number: int) -> None:
    """Play one scenario and record it.

    Raises:
        StageError: the namespaces cannot be made.
    """
    net = f"10.77.{number % 200 + 10}"
    with tempfile.TemporaryDirectory(prefix="iotids-exam-") as folder, ExitStack() as ends:
        work = Path(folder)
        furnish(work, _IMAGE_BYTES)
        switch, server, client = ends.enter_context(_network(number, net, scenario))
        known = {"net": net, "server": f"{net}.10", "client": f"{net}.20", "work": folder}
        known |= {"server6": f"{_SIX}::10", "card": _card(server)}
        scratch = work / "capture.pcap"
        recorder = ends.enter_context(recording(switch, "client", scratch))
        for each in scenario.servers:
            ends.enter_context(running(server, filled(each.words, known)))
        time.sleep(_SETTLE_SECS)
        _act(client, scenario, known)
        time.sleep(1.0)
        keep(recorder, scratch, capture)


@contextmanager
def _network(number: int, net: str, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Make the three namespaces; yields the names of switch, server and client."""
    with namespaces(number, "switch", "server", "client") as (switch, server, client):
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        for end, name, last in (("server", server, 10), ("client", client, 20)):
            ip("-n", switch, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", switch, "link", "set", end, "up", "master", "br0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "addr", "add", f"{net}.{last}/24", "dev", "eth0")
            ip("-n", name, "addr", "add", f"{_SIX}::{last}/64", "dev", "eth0", "nodad")
            unmerged(name, "eth0")
        for name, more in ((server, scenario.served), (client, scenario.sources)):
            for last in more:
                ip("-n", name, "addr", "add", f"{net}.{last}/24", "dev", "eth0")
        ip("-n", client, "route", "add", "default", "via", f"{net}.10")
        yield switch, server, client


def _card(name: str) -> str:
    """Return the Ethernet address of a machine."""
    shown = ["ip", "netns", "exec", name, "cat", "/sys/class/net/eth0/address"]
    return subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()


def _act(client: str, scenario: Scenario, known: dict[str, str]) -> None:
    """Let the client do what it does, one thing after another, no longer than the scenario lasts."""
    ends = time.monotonic() + scenario.secs
    with ExitStack() as begun_all:
        for each in (one for one in scenario.plays for _ in range(one.times)):
            left = ends - time.monotonic()
            if left <= 0:
                break
            copies = scenario.sources if each.from_all else range(each.at_once)
            begun = [
                begun_all.enter_context(running(client, filled(each.words, {**known, "last": str(last)})))
                for last in copies
            ]
            _wait(begun, min(ends, time.monotonic() + each.most_secs))
            time.sleep(each.pause)


def _wait(begun: Sequence[subprocess.Popen[bytes]], ends: float) -> None:
    for process in begun:
        try:
            process.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
