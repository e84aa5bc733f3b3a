"""What every stage stands on: namespaces, programs that run in them, a recorder, and files that are served.

Nothing here reaches any other network, and nothing stays.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.exam.scene import Scene

_SNAP_BYTES = "200"
_PAGES = 60
_KILLS = 40
_LOOK_SECS = 0.05
_TOOLS = frozenset({"ip", "ethtool", "sysctl", "tc", "tcpdump"})
_CONFIGURATIONS = {
    "nginx.conf": (
        "daemon off; pid {work}/nginx.pid; error_log /dev/null; worker_processes 1;\n"
        "events {{ worker_connections 2000; }}\n"
        "http {{ access_log off; client_body_temp_path {work}/t; proxy_temp_path {work}/t;\n"
        " fastcgi_temp_path {work}/t; uwsgi_temp_path {work}/t; scgi_temp_path {work}/t;\n"
        " server {{ listen 80; listen [::]:80; root {work}/site; location /api {{ return 200 ok; }} }} }}\n"
    ),
    "mosquitto.conf": "listener 1883\nallow_anonymous true\n",
    "rsyncd.conf": (
        "[site]\npath={work}/site\n[kept]\npath={work}/t\nread only=no\nuid=root\nuse chroot=no\n"
    ),
    "snmpd.conf": "rocommunity public\nagentaddress udp:161\n",
    "vsftpd.conf": (
        "listen=YES\nbackground=NO\nanonymous_enable=YES\nanon_root={work}/site\n"
        "secure_chroot_dir={work}/t\nseccomp_sandbox=NO\n"
    ),
}


class StageError(Exception):
    """A scene cannot be played here."""


def missing(scenes: Iterable[Scene]) -> list[str]:
    """Return the programs that are not installed."""
    needed = _TOOLS.union(words[0] for each in scenes for words in each.commands)
    return sorted(name for name in needed if shutil.which(name) is None)


def furnish(work: Path, image_bytes: int) -> None:
    """Write what servers serve, and what they are told."""
    (work / "t").mkdir()
    site = work / "site"
    site.mkdir()
    for page in range(_PAGES):
        (site / f"{page}.html").write_bytes(os.urandom(200 + 700 * page))
    links = "".join(f'<a href="{page}.html">{page}</a>\n' for page in range(_PAGES))
    (site / "index.html").write_text(links)
    (site / "image.bin").write_bytes(bytes(image_bytes))
    for name, text in _CONFIGURATIONS.items():
        (work / name).write_text(text.format(work=work))
    work.chmod(0o755)
    (work / "names").write_text("".join(f"h{n}.example.com A\n" for n in range(400)))
    if shutil.which("dropbearkey"):
        words = ["dropbearkey", "-t", "ed25519", "-f", str(work / "key")]
        subprocess.run(words, capture_output=True, check=True)
    (work / "passwords").write_text("".join(f"{n}\n" for n in range(100)))


@contextmanager
def namespaces(number: int, *places: str) -> Iterator[list[str]]:
    """Make a namespace for each place; yields their names. What still runs there at the end is killed."""
    names = [f"iotids-exam-{os.getpid()}-{number}-{place}" for place in places]
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            _empty(name)
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _empty(namespace: str) -> None:
    """Kill what runs there, again and again, for what is killed may just have started something."""
    for _ in range(_KILLS):
        words = ["ip", "netns", "pids", namespace]
        found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
        if not found:
            return
        for pid in found:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_LOOK_SECS)


def unmerged(namespace: str, link: str) -> None:
    """Let a link carry packets as a wire would: none merged, every checksum there."""
    inside(namespace, "ethtool", "-K", link, "tso", "off", "gso", "off", "gro", "off", "tx", "off")


@contextmanager
def recording(namespace: str, link: str, scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Record a link, into a file that is whole once `keep` was called."""
    words = ["tcpdump", "-q", "-i", link, "-w", str(scratch), "-s", _SNAP_BYTES, "-Z", "root", "-B", "65536"]
    with running(namespace, words) as recorder:
        yield recorder


def keep(recorder: subprocess.Popen[bytes], scratch: Path, capture: Path) -> None:
    """End a recording, and put it where it shall stay."""
    recorder.send_signal(signal.SIGINT)
    recorder.wait(10)
    part = capture.with_suffix(".part")
    shutil.copy(scratch, part)
    part.replace(capture)


@contextmanager
def running(
    namespace: str, words: Sequence[str], folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a namespace until the end of the block, if it does not end before."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", namespace, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def filled(words: Sequence[str], known: dict[str, str]) -> list[str]:
    """Put what is known into words."""
    return [word.format(**known) for word in words]


def inside(namespace: str, *words: str) -> None:
    """Run a program in a namespace to its end.

    Raises:
        StageError: it failed.
    """
    ip("netns", "exec", namespace, *words)


def ip(*words: str) -> None:
    """Run `ip`.

    Raises:
        StageError: it failed.
    """
    found = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if found.returncode:
        raise StageError(f"ip {' '.join(words)}: {found.stderr.strip()[:200]}")
