"""Private network namespaces: cables, frames and a second host, gone when the test ends."""

import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NEW_NETWORK = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def skip_without_rights(*programs: str) -> None:
    """Skip a test that cannot run here, and say what it needs."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for network namespaces")
    for program in ("ip", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"needs the program {program}")


@contextmanager
def own_namespace() -> Iterator[None]:
    """Run in a new network namespace, with nothing but `lo`, and go back at the end."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if _LIBC.unshare(_NEW_NETWORK) != 0:
        os.close(before)
        pytest.skip(f"network namespaces are refused: {os.strerror(ctypes.get_errno())}")
    try:
        for scope in ("all", "default"):  # no frame but those that the test sends
            Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")
        ip("link set lo up")
        yield
    finally:
        if _LIBC.setns(before, _NEW_NETWORK) != 0:
            os._exit(70)  # every later test would run in the wrong network
        os.close(before)


def ip(arguments: str) -> None:
    """Run `ip` in the present namespace."""
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)


def cable(inner: str, outer: str) -> None:
    """Lay a cable between two interfaces, both up: what goes into `outer` comes out of `inner`."""
    ip(f"link add {inner} type veth peer name {outer}")
    for name in (inner, outer):
        ip(f"link set {name} up")


@contextmanager
def plug(interface: str) -> Iterator[Callable[[bytes], int]]:
    """Give a function that sends a frame out of an interface."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        yield wire.send


@contextmanager
def second_host(cable_end: str, address: str) -> Iterator[list[str]]:
    """Move an end of a cable into a namespace of its own; give the words that run a program there."""
    process = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        own, theirs = Path("/proc/thread-self/ns/net").readlink(), Path(f"/proc/{process.pid}/ns/net")
        until(lambda: theirs.readlink() != own, 10)
        ip(f"link set {cable_end} netns {process.pid}")
        inside = ["nsenter", f"--net=/proc/{process.pid}/ns/net"]
        for words in (f"addr add {address} dev {cable_end}", f"link set {cable_end} up", "link set lo up"):
            subprocess.run([*inside, "ip", *words.split()], check=True)
        yield inside
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool], secs: float) -> float:
    """Wait for something to become true; return how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < secs, f"not within {secs} s"
        time.sleep(0.02)
    return time.monotonic() - started
