"""Two machines and a switch, in namespaces of their own: one serves, the other plays, the switch records.

Nothing else is there, and nothing reaches any other network.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.exam.scenarios import Scenario

_SETTLE_SECS = 2.0
_SNAP_BYTES = "200"
_PAGES = 60
_SIX = "fd77:77"
_CONFIGURATIONS = {
    "nginx.conf": (
        "daemon off; pid {work}/nginx.pid; error_log /dev/null; worker_processes 1;\n"
        "events {{ worker_connections 2000; }}\n"
        "http {{ access_log off; client_body_temp_path {work}/t; proxy_temp_path {work}/t;\n"
        " fastcgi_temp_path {work}/t; uwsgi_temp_path {work}/t; scgi_temp_path {work}/t;\n"
        " server {{ listen 80; listen [::]:80; root {work}/site; location /api {{ return 200 ok; }} }} }}\n"
    ),
    "mosquitto.conf": "listener 1883\nallow_anonymous true\n",
    "rsyncd.conf": "[site]\npath={work}/site\n",
    "snmpd.conf": "rocommunity public\nagentaddress udp:161\n",
    "vsftpd.conf": (
        "listen=YES\nbackground=NO\nanonymous_enable=YES\nanon_root={work}/site\n"
        "secure_chroot_dir={work}/t\nseccomp_sandbox=NO\n"
    ),
}


class StageError(Exception):
    """A scenario cannot be played here."""


def missing(scenarios: Sequence[Scenario]) -> list[str]:
    """Return the programs that are not installed."""
    needed = {"ip", "ethtool", "tcpdump"}
    needed |= {play.words[0] for each in scenarios for play in (*each.servers, *each.plays)}
    return sorted(name for name in needed if shutil.which(name) is None)


def play(scenario: Scenario, capture: Path, number: int) -> None:
    """Play one scenario and record it.

    Raises:
        StageError: the namespaces cannot be made.
    """
    net = f"10.77.{number % 200 + 10}"
    with tempfile.TemporaryDirectory(prefix="iotids-exam-") as folder, ExitStack() as ends:
        work = Path(folder)
        _furnish(work)
        switch, server, client = ends.enter_context(_network(number, net, scenario))
        known = {"net": net, "server": f"{net}.10", "client": f"{net}.20", "work": folder}
        known |= {"server6": f"{_SIX}::10", "card": _card(server)}
        scratch = work / "capture.pcap"
        words = [
            "tcpdump",
            "-q",
            "-i",
            "client",
            "-w",
            str(scratch),
            "-s",
            _SNAP_BYTES,
            "-Z",
            "root",
            "-B",
            "65536",
        ]
        recorder = ends.enter_context(_running(switch, words))
        for each in scenario.servers:
            ends.enter_context(_running(server, _filled(each.words, known)))
        time.sleep(_SETTLE_SECS)
        _act(client, scenario, known)
        time.sleep(1.0)
        recorder.send_signal(signal.SIGINT)
        recorder.wait(10)
        shutil.copy(scratch, capture)


def _furnish(work: Path) -> None:
    """Write what servers serve, and what they are told."""
    (work / "t").mkdir()
    site = work / "site"
    site.mkdir()
    for page in range(_PAGES):
        (site / f"{page}.html").write_bytes(os.urandom(200 + 700 * page))
    links = "".join(f'<a href="{page}.html">{page}</a>\n' for page in range(_PAGES))
    (site / "index.html").write_text(links)
    (site / "image.bin").write_bytes(bytes(30_000_000))
    for name, text in _CONFIGURATIONS.items():
        (work / name).write_text(text.format(work=work))
    work.chmod(0o755)
    (work / "names").write_text("".join(f"h{n}.example.com A\n" for n in range(400)))
    (work / "passwords").write_text("".join(f"{n}\n" for n in range(100)))


@contextmanager
def _network(number: int, net: str, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Make the three namespaces; yields the names of switch, server and client."""
    names = tuple(f"iotids-exam-{os.getpid()}-{number}-{what}" for what in ("switch", "server", "client"))
    switch, server, client = names
    try:
        for name in names:
            _ip("netns", "add", name)
        _ip("-n", switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        for end, name, last in (("server", server, 10), ("client", client, 20)):
            _ip("-n", switch, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", switch, "link", "set", end, "up", "master", "br0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")
            _ip("-n", name, "addr", "add", f"{net}.{last}/24", "dev", "eth0")
            _ip("-n", name, "addr", "add", f"{_SIX}::{last}/64", "dev", "eth0", "nodad")
            whole = ["ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off", "tx", "off"]
            _done(["ip", "netns", "exec", name, *whole])
        for name, more in ((server, scenario.served), (client, scenario.sources)):
            for last in more:
                _ip("-n", name, "addr", "add", f"{net}.{last}/24", "dev", "eth0")
        _ip("-n", client, "route", "add", "default", "via", f"{net}.10")
        yield switch, server, client
    finally:
        for name in names:
            found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
            for pid in found.stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _card(name: str) -> str:
    """Return the Ethernet address of a machine."""
    shown = ["ip", "netns", "exec", name, "cat", "/sys/class/net/eth0/address"]
    return subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()


def _act(client: str, scenario: Scenario, known: dict[str, str]) -> None:
    """Let the client do what it does, one thing after another, no longer than the scenario lasts."""
    ends = time.monotonic() + scenario.secs
    with ExitStack() as running:
        for each in (one for one in scenario.plays for _ in range(one.times)):
            left = ends - time.monotonic()
            if left <= 0:
                break
            copies = scenario.sources if each.from_all else range(each.at_once)
            begun = [
                running.enter_context(_running(client, _filled(each.words, {**known, "last": str(last)})))
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


def _filled(words: Sequence[str], known: dict[str, str]) -> list[str]:
    return [word.format(**known) for word in words]


@contextmanager
def _running(namespace: str, words: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["ip", "netns", "exec", namespace, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _ip(*words: str) -> None:
    _done(["ip", *words])


def _done(words: Sequence[str]) -> None:
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    if found.returncode:
        raise StageError(f"{' '.join(words)}: {found.stderr.strip()[:200]}")
