"""The benchmark's sender on a real cable: what arrives, how fast, and that it ends. Needs root."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.bench.live_frames import SCENES, Scene
from tests.bench.live_programs import bounded, counts, until
from tests.bench.live_sender import Wire, play
from tests.network import cable, skip_without_rights

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("cabled")]
MAC = bytes.fromhex("0200000000fe")
PACKETS = 3000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def cabled(namespace: None) -> None:  # noqa: ARG001 - the cable is laid in there
    cable("in0", "out0")


@contextmanager
def wire(scene: Scene) -> Iterator[Wire]:
    opened = Wire("out0", scene)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE: nothing may be lost
        listener.bind(("in0", 3))
        listener.settimeout(1)
        yield listener


def word_sum(content: bytes) -> int:
    """Return the one's complement sum of big-endian words: 0xffff over headers with a right checksum."""
    total = int(np.frombuffer(content + b"\0" * (len(content) % 2), ">u2").sum(dtype=np.int64))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("name", SCENES)
def test_every_frame_arrives_whole_and_with_right_checksums(name: str) -> None:
    scene = SCENES[name](MAC)
    with listening() as listener, wire(scene) as out:
        sent = play(out, scene, rate=0, secs=4, packets=PACKETS)
        frames = [listener.recv(2048) for _ in range(sent.packets)]
    assert (sent.packets, counts("in0").rx) == (PACKETS, PACKETS)
    assert [len(frame) for frame in frames] == scene.sizes[:PACKETS].tolist()
    for frame in frames[::50]:
        segment = frame[34 : 14 + int.from_bytes(frame[16:18])]
        assert word_sum(frame[14:34]) == 0xFFFF
        assert word_sum(frame[26:34] + bytes([0, 6]) + len(segment).to_bytes(2) + segment) == 0xFFFF
    sources = {frame[26:30] for frame in frames}
    assert len(sources) == (PACKETS if scene.spoofed else 80)


def test_the_sources_stay_different_when_the_buffer_comes_round() -> None:
    scene = SCENES["flood"](MAC)
    with listening() as listener, wire(scene) as out:
        sent = play(out, scene, rate=0, secs=4, packets=2 * len(scene.frames) + 1)
        sources = {listener.recv(2048)[26:30] for _ in range(sent.packets)}
    assert len(sources) == 2 * len(scene.frames) + 1


def test_the_rate_is_kept_and_the_end_comes_in_time() -> None:
    scene = SCENES["flood"](MAC)
    with wire(scene) as out:
        sent = play(out, scene, rate=5000, secs=0.4, packets=PACKETS)
    assert 1500 < sent.packets <= 2000  # never more than asked for; fewer on a busy machine
    assert sent.secs < 1


def test_it_ends_with_its_parent() -> None:
    skip_without_rights("setpriv", "timeout")
    sender = bounded([sys.executable, "-m", "tests.bench.live_sender", "out0", "flood", "--rate", "2000"], 20)
    parent = f"import subprocess, time; subprocess.Popen({[*sender, '--secs', '15']}); time.sleep(20)"
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        until(lambda: counts("in0").rx > 0, 10, "the first packet")
        process.kill()
    time.sleep(0.2)
    before = counts("in0").rx
    time.sleep(0.2)
    assert counts("in0").rx == before


def test_it_floods_nothing_but_a_cable() -> None:
    words = [sys.executable, "-m", "tests.bench.live_sender", "lo", "flood", "--packets", "1"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"refused: lo is no veth interface")
