"""A machine of its own: systemd, booted in a container from this machine's /usr and a disk in memory."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.network import skip_without_rights, until

BOOT_SECS = 60
_QUIET = ("systemd.firstboot=no", "systemd.unit=multi-user.target", "systemd.show_status=no")


class Machine:
    """A booted container; programs are run in it as root."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        """Of its first process."""

    def run(self, *words: str, check: bool = True) -> str:
        """Run a program in all of the container's namespaces; return what it printed."""
        inside = ["nsenter", f"--target={self.pid}", "--all", "--", *words]
        # In a session of its own: no signal of a program in there may reach us.
        done = subprocess.run(
            inside, capture_output=True, text=True, check=False, timeout=120, start_new_session=True
        )
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def shell(self, script: str) -> str:
        """Run lines as a shell does, ending at the first that fails."""
        return self.run("sh", "-ec", script)

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "--value", "--property", name, unit).strip()


@contextmanager
def booted(seen: Mapping[Path, str]) -> Iterator[Machine]:
    """Boot a machine that sees folders of this one, read-only, at other places."""
    skip_without_rights("systemd-nspawn", "nsenter")
    words = ["systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--private-network"]
    words += ["--register=no", "--keep-unit", f"--machine=iotids-test-{os.getpid()}"]
    words += [f"--bind-ro={here}:{there}" for here, there in seen.items()]
    process = subprocess.Popen(
        [*words, "--boot", *_QUIET],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield _machine(process)
    finally:
        process.terminate()
        process.terminate()  # twice: at once
        process.communicate(timeout=60)


def _machine(process: "subprocess.Popen[bytes]") -> Machine:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def is_up() -> bool:
        if process.poll() is not None:
            said = process.communicate()[0].decode()
            pytest.skip(f"needs a machine on which systemd-nspawn can boot: {said[-300:]}")
        pids = children.read_text().split()
        state = Machine(int(pids[0])).run("systemctl", "is-system-running", check=False) if pids else ""
        return state.strip() in {"running", "degraded"}

    until(is_up, BOOT_SECS)
    return Machine(int(children.read_text().split()[0]))
