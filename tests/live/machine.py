"""A machine of its own: systemd, booted in a container from this machine's /usr and a disk in memory."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.live_programs import WITH_PARENT
from tests.network import skip_without_rights, until

BOOT_SECS = 60
_WITH_US = [*WITH_PARENT, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
"""The container's first process outlives a `systemd-nspawn` that is killed; in a process namespace of ours it
ends when that does, and that when we do, even by SIGKILL."""

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
    words = [*_WITH_US, "systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--private-network"]
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
        for pid in _children(process.pid):  # not `unshare` itself, which has to take note of its end
            os.kill(int(pid), signal.SIGKILL)
        process.communicate(timeout=60)


def _children(pid: str | int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []


def _first_of(process: "subprocess.Popen[bytes]") -> str | None:
    """Return the container's first process: the child of systemd-nspawn, which is one of `unshare`."""
    return next((inner for outer in _children(process.pid) for inner in _children(outer)), None)


def _machine(process: "subprocess.Popen[bytes]") -> Machine:

    def is_up() -> bool:
        if process.poll() is not None:
            said = process.communicate()[0].decode()
            pytest.skip(f"needs a machine on which systemd-nspawn can boot: {said[-300:]}")
        first = _first_of(process)
        state = Machine(int(first)).run("systemctl", "is-system-running", check=False) if first else ""
        return state.strip() in {"running", "degraded"}

    until(is_up, BOOT_SECS)
    return Machine(int(_first_of(process) or 0))
