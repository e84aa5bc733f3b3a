"""A detector on a cable between two namespaces, and a Prometheus that scrapes it; all gone at the end.

Detector and traffic are in namespaces of their own, so that no attack leaves this machine; Prometheus and
Grafana are outside, on loopback, where a browser reaches them. Every process ends after a time, or with
this one, even if that is killed.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.bench.live_programs import bounded, running, until

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
METRICS = "127.0.0.1:9469"
"""Where the detector serves them, inside its namespace, and what the scrape example names."""

INSIDE, OUTSIDE = "in0", "out0"
"""The ends of the cable: what is sent into the second comes out of the first, which is watched."""

NEEDED = ("ip", "nsenter", "unshare", "setpriv", "sysctl", "prometheus", "tcpreplay")
_READY_SECS = 60.0


class Stage(NamedTuple):
    """What runs, and how to reach it."""

    prometheus: str
    """Its address, as a browser takes it."""
    grafana: str | None
    """Grafana's, where it is installed."""
    alerts: Path
    outside: tuple[str, ...]
    """Words before a command that is to run at the far end of the cable."""
    secs: float

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what Prometheus finds at this moment."""
        asked = f"{self.prometheus}/api/v1/query?{urlencode({'query': expression})}"
        with urlopen(asked, timeout=5) as answer:  # noqa: S310 - its own Prometheus
            return list(json.load(answer)["data"]["result"])

    def play(self, capture: Path) -> subprocess.Popen[bytes]:
        """Begin to send a capture into the cable, at its own speed."""
        words = bounded([*self.outside, "tcpreplay", "-q", "-i", OUTSIDE, str(capture)], self.secs)
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def stage(folder: Path, *, secs: float, options: Sequence[str | Path] = ()) -> Iterator[Stage]:
    """Run all of it for `secs` at most; `options` are the detector's."""
    with ExitStack() as stack:
        inside, outside = _cable(stack, secs)
        alerts = folder / "alerts.json"
        detect = [sys.executable, "-c", "from detector.cli import main; main()", "--iface", INSIDE]
        # ONNX Runtime leaves a file where temporary ones go.
        words = [*inside, "env", f"TMPDIR={folder}", *detect, "--alerts", str(alerts), *map(str, options)]
        log = stack.enter_context((folder / "detector.log").open("wb"))
        stack.enter_context(running(bounded(words, secs), stderr=log.fileno()))
        metrics = _relay(stack, inside, secs)
        prometheus = _prometheus(stack, folder, metrics, secs)
        grafana = _grafana(stack, folder, prometheus, secs)
        found = Stage(prometheus, grafana, alerts, outside, secs)
        until(lambda: _up(found), _READY_SECS, f"a scrape of the detector, see {folder}")
        yield found


def _up(found: Stage) -> bool:
    try:
        return any(series["value"][1] == "1" for series in found.query('iotids_capture_up{job="iotids"}'))
    except (URLError, OSError):
        return False


def _cable(stack: ExitStack, secs: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lay a cable between two new namespaces; return the words that run a command in each."""
    # Not `bounded`, which would hide the process that holds the namespace behind its own.
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", str(secs)]
    pids = [stack.enter_context(running(words)).pid for _ in range(2)]
    own = Path("/proc/self/ns/net").readlink()
    theirs = [Path(f"/proc/{pid}/ns/net") for pid in pids]
    until(lambda: all(each.readlink() != own for each in theirs), 10, "two network namespaces")
    first, second = (("nsenter", f"--net=/proc/{pid}/ns/net") for pid in pids)
    ends = [INSIDE, "netns", str(pids[0]), "type", "veth", "peer", "name", OUTSIDE, "netns", str(pids[1])]
    subprocess.run(["ip", "link", "add", *ends], check=True)
    for enter, name in ((first, INSIDE), (second, OUTSIDE)):
        subprocess.run([*enter, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"], check=True)
        for link in ("lo", name):
            subprocess.run([*enter, "ip", "link", "set", link, "up"], check=True)
    return first, second


def _relay(stack: ExitStack, inside: Sequence[str], secs: float) -> str:
    """Return the address, outside, of the detector's metrics."""
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = METRICS.rpartition(":")[2]
    words = [*inside, sys.executable, "-m", "tests.demo.relay", str(listening.fileno()), port]
    process = subprocess.Popen(bounded(words, secs), pass_fds=(listening.fileno(),), cwd=ROOT)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return f"127.0.0.1:{listening.getsockname()[1]}"


def _prometheus(stack: ExitStack, folder: Path, metrics: str, secs: float) -> str:
    """Run Prometheus with the scrape example and all rules, every second; return its address."""
    example = (CONFIGS / "prometheus" / "prometheus.yml").read_text()
    config = folder / "prometheus.yml"
    config.write_text(
        example.replace(METRICS, metrics)
        .replace("interval: 15s", "interval: 1s")
        .replace("- iotids.", f"- {CONFIGS / 'prometheus'}/iotids.")
    )
    address = f"127.0.0.1:{_free_port()}"
    words = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    words += [f"--web.listen-address={address}", "--log.level=warn"]
    log = stack.enter_context((folder / "prometheus.log").open("wb"))
    stack.enter_context(running(bounded(words, secs), stdout=log.fileno(), stderr=log.fileno()))
    return f"http://{address}"


def _grafana(stack: ExitStack, folder: Path, prometheus: str, secs: float) -> str | None:
    """Run Grafana with the dashboards, where it is installed; return its address."""
    if shutil.which("grafana-server") is None:
        return None
    provisioning = folder / "provisioning"
    shutil.copytree(CONFIGS / "grafana" / "provisioning", provisioning)
    for file, was, becomes in (
        ("datasources/iotids.yml", "http://127.0.0.1:9090", prometheus),
        ("datasources/iotids.yml", "timeInterval: 15s", "timeInterval: 1s"),
        ("dashboards/iotids.yml", "/var/lib/grafana/dashboards/iotids", str(CONFIGS / "grafana")),
    ):
        (provisioning / file).write_text((provisioning / file).read_text().replace(was, becomes))
    port = _free_port()
    settings = {
        "paths.data": folder / "grafana",
        "paths.provisioning": provisioning,
        "server.http_addr": "127.0.0.1",
        "server.http_port": port,
        "auth.anonymous.enabled": "true",
        "analytics.reporting_enabled": "false",
        "analytics.check_for_updates": "false",
    }
    words = ["grafana-server", "--homepath", os.environ.get("GF_PATHS_HOME", "/usr/share/grafana")]
    words += [f"cfg:default.{name}={value}" for name, value in settings.items()]
    log = stack.enter_context((folder / "grafana.log").open("wb"))
    stack.enter_context(running(bounded(words, secs), stdout=log.fileno(), stderr=log.fileno()))
    return f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
