"""The service as an operator installs it: systemd boots, the README's steps are taken. Needs root."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import SCAN
from tests.live.machine import Machine, booted
from tests.live.test_same_as_file import part
from tests.network import skip_without_rights, until

pytestmark = [pytest.mark.live, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
UNIT = "iotids-detect@eth0"
NET_RAW = f"{1 << 13:016x}"
PIP = "/opt/iotids/bin/pip install -q -c configs/constraints.txt ."
INSTALLED = """\
printf '%s\\n' /opt/src /opt/site > /opt/iotids/lib/python3.11/site-packages/iotids.pth
cd /opt/iotids/bin
printf '%s\\n' '#!/opt/iotids/bin/python' 'from detector.cli import main' 'main()' > iotids-detect
chmod 755 iotids-detect
cd /opt/src
"""
"""What pip would do, without a network: the packages of this environment and the present source."""
CHOSEN = (
    "sed -i -e 's|^# alerts = .*|alerts = \"/var/log/iotids/alerts.jsonl\"|' "
    "-e 's|^update_interval_secs = .*|update_interval_secs = 2.0|' /etc/iotids/iotids.toml"
)
BOOT = """\
import time
from tests.live.machine import booted
with booted({}) as machine:
    print(machine.pid, flush=True)
    time.sleep(300)
"""
CABLE = "ip link add eth0 type veth peer name far0; ip link set eth0 up; ip link set far0 up"


def steps(last: str) -> str:
    """Return the commands of the README's indented block that ends with a line, as root gives them."""
    blocks = re.findall(r"(?:^    .*\n)+", (ROOT / "README.md").read_text(), re.MULTILINE)
    block: str
    (block,) = [block for block in blocks if block.rstrip().endswith(last) and "/opt/iotids" in block]
    return block.replace("sudo ", "").replace("    ", "")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    skip_without_rights("systemd-nspawn", "tcpreplay", "logrotate")
    if not Path("/usr/bin/python3.11").exists() or sys.version_info[:2] != (3, 11):
        pytest.skip("needs Debian's Python 3.11, and this one to be a 3.11 too, whose packages it borrows")
    site = Path(next(path for path in sys.path if path.endswith("site-packages")))
    with booted({site: "/opt/site", ROOT: "/opt/src"}) as booted_machine:
        yield booted_machine


@pytest.fixture(scope="module")
def service(machine: Machine) -> Machine:
    """The service, installed and started as the README says."""
    script = steps("systemctl enable --now " + UNIT)
    assert PIP in script
    for theirs, ours in (
        ("python3 -m venv", "/usr/bin/python3.11 -m venv --without-pip"),
        (PIP, INSTALLED),
        ("systemctl daemon-reload", f"{CHOSEN}\nsystemctl daemon-reload"),
    ):
        script = script.replace(theirs, ours)
    machine.shell(f"{CABLE}\ncd /opt/src\n{script}")
    return machine


def test_a_machine_goes_with_whoever_booted_it_even_by_sigkill() -> None:
    skip_without_rights("systemd-nspawn")
    process = subprocess.Popen([sys.executable, "-c", BOOT], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    with process.stdout as told:
        first = Path(f"/proc/{int(told.readline())}")
    assert first.exists()
    process.kill()
    process.wait()
    until(lambda: not first.exists(), 10)


def main_pid(machine: Machine) -> int:
    """Return the running process; never 0, which `kill` takes for its own group."""
    pid = int(machine.show(UNIT, "MainPID"))
    assert pid > 1
    return pid


def is_ready(machine: Machine, before: int = 0) -> bool:
    """Tell whether it is active, in another process than before."""
    shown = machine.run("systemctl", "show", "--property", "ActiveState,MainPID", UNIT).split()
    told = dict(line.split("=", 1) for line in shown)
    return told["ActiveState"] == "active" and int(told["MainPID"]) not in {0, before}


def test_it_is_ready_when_the_start_returns_and_shows_live_figures(service: Machine) -> None:
    assert service.show(UNIT, "ActiveState") == "active"
    until(lambda: service.show(UNIT, "StatusText").endswith("0 lost; eth0 up"), 5)


def test_it_is_nobody_with_one_right(service: Machine) -> None:
    status = dict(
        line.split(":\t", 1) for line in service.run("cat", f"/proc/{main_pid(service)}/status").splitlines()
    )
    assert int(status["Uid"].split()[0]) > 60_000
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {NET_RAW}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_the_units_are_in_order_where_they_are_installed(service: Machine) -> None:
    for name in ("iotids-detect.service", "iotids-detect@.service"):
        assert service.run("systemd-analyze", "verify", f"/etc/systemd/system/{name}") == ""


def test_an_attack_is_an_alert_in_the_log_directory(service: Machine, tmp_path: Path) -> None:
    capture = part(SCAN, tmp_path / "part.pcap", 13.0, 21.0)
    network = ["nsenter", f"--target={service.pid}", "--net"]
    subprocess.run([*network, "tcpreplay", "-q", "-i", "far0", str(capture)], check=True, capture_output=True)
    until(lambda: '"Recon"' in service.run("cat", "/var/log/iotids/alerts.jsonl"), 10)
    assert service.run("stat", "-c", "%a", "/var/log/iotids/alerts.jsonl").strip() == "640"
    service.shell("mkdir -p /var/lib/logrotate; logrotate -f /etc/logrotate.d/iotids")
    assert "alerts.jsonl.1" in service.run("ls", "/var/log/iotids")
    subprocess.run([*network, "tcpreplay", "-q", "-i", "far0", str(capture)], check=True, capture_output=True)
    until(lambda: "alerts.jsonl\n" in service.run("ls", "/var/log/iotids"), 10)


def test_nothing_is_refused_to_it(service: Machine) -> None:
    log = service.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT)
    assert "Watching eth0." in log
    assert re.findall(r"(?i).*(?:denied|not permitted|traceback|onnxruntime|cpuinfo).*", log) == []


def test_systemctl_reload_takes_over_what_is_good(service: Machine) -> None:
    before = main_pid(service)
    for line, said in (
        ("open_after = 0", "Not reloaded, all is as it was"),
        ("open_after = 2", "Reloaded: "),
    ):
        edit = f"sed -i 's|^open_after = .*|{line}|' /etc/iotids/iotids.toml"
        service.shell(f"{edit}; systemctl reload {UNIT}")
        until(lambda said=said: said in service.run("journalctl", "-o", "cat", "-u", UNIT), 10)  # type: ignore[misc]
        until(lambda: is_ready(service), 5)
    assert main_pid(service) == before


def test_a_process_that_hangs_is_replaced(service: Machine) -> None:
    before = main_pid(service)
    service.run("kill", "-STOP", str(before))
    until(lambda: is_ready(service, before), 90)
    log = service.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT)
    assert "Watchdog timeout" in log
    assert "Fatal Python error: Aborted" in log


def test_a_process_that_is_killed_is_replaced(service: Machine) -> None:
    before = main_pid(service)
    service.run("kill", "-KILL", str(before))
    until(lambda: is_ready(service, before), 60)


def test_it_waits_for_an_interface_that_is_not_there(service: Machine) -> None:
    service.shell(
        "systemctl stop iotids-detect@eth0; ip link del eth0; systemctl start --no-block iotids-detect@eth0"
    )
    until(lambda: "no such interface" in service.run("journalctl", "-o", "cat", "-u", UNIT), 60)
    service.shell(CABLE)
    until(lambda: is_ready(service), 60)


def test_it_leaves_nothing_when_it_is_removed(service: Machine) -> None:
    before = main_pid(service)
    service.shell(steps("systemctl daemon-reload"))
    found = service.run("find", "/etc", "/opt", "/var", "-xdev", "-name", "*iotids*")
    assert found == ""
    assert not Path(f"/proc/{service.pid}/root/proc/{before}").exists()
