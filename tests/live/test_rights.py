"""What the daemon needs of the kernel: CAP_NET_RAW, and nothing else. Needs root, to give rights up."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import DETECT
from tests.live.watching import Watching
from tests.network import cable, plug, skip_without_rights, until
from tests.traffic import datagram

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]
OWN_SYSFS = ["unshare", "--mount", "sh", "-c", 'mount -t sysfs none /sys && exec "$@"', "-"]
"""The file system that names the interfaces is that of the namespace it was mounted in."""
WITHOUT = [*OWN_SYSFS, "setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
NET_RAW_ALONE = ["setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw"]
NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups", "--ambient-caps=-all,+net_raw"]
FRAME = datagram(0, "10.0.0.1", "10.0.0.2", (40_000, 53), b"x" * 20).data


@pytest.fixture
def open_bundle(rule_bundle: Path) -> Iterator[Path]:
    """The bundle where every user may read it; pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(shutil.copytree(rule_bundle, Path(folder) / "rules"))
        copy.chmod(0o755)
        for file in copy.iterdir():
            file.chmod(0o644)
        yield copy


@pytest.mark.parametrize("check", [["--check"], []])
def test_without_the_right_it_says_what_is_missing(check: list[str], rule_bundle: Path) -> None:
    skip_without_rights("setpriv")
    cable("in0", "out0")
    words = [*WITHOUT, *DETECT, *check, "--bundle", str(rule_bundle), "--iface", "in0"]
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(
        b"error: in0: capturing needs CAP_NET_RAW; run as root, or as a service with"
    )
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("user", [[], NOBODY], ids=["root", "nobody"])
def test_that_right_alone_is_enough(user: list[str], open_bundle: Path, tmp_path: Path) -> None:
    skip_without_rights("setpriv")
    may_start = subprocess.run(
        [*NET_RAW_ALONE, *user, *DETECT, "--version"], capture_output=True, check=False
    )
    if may_start.returncode:
        pytest.skip("needs an environment that every user may read")
    cable("in0", "out0")
    words = [*NET_RAW_ALONE, *user, *DETECT, "--bundle", str(open_bundle), "--iface", "in0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        watch = Watching(process, tmp_path / "alerts.json").ready()
        with plug("out0") as send:
            send(FRAME)
        until(lambda: watch.value('iotids_packets_total{iface="in0"}') == 1, 5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"CapEff:\t{1 << 13:016x}\n" in status
        assert watch.stop(signal.SIGTERM)[0].code == 0
    finally:
        process.kill()
        process.communicate()
