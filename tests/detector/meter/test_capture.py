"""Captures that can be read, and the one line that says why another cannot."""

import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.config import CaptureConfig
from detector.errors import CaptureError
from detector.meter import Capture, PacketBlock
from detector.meter.capture import BLOCK_PACKETS
from tests import traffic
from tests.detector.meter.samples import capture_of, table
from tests.traffic import Frame, datagram, ethernet, ip, pcap, pcapng, segment

A, B = "10.0.0.1", "10.0.0.2"
FRAMES = [segment(n * 10.0, A, B, (1000 + n, 80), traffic.SYN) for n in range(20)]


def opened(path: Path | str, *, bpf_filter: str | None = None) -> Capture:
    return Capture.open_file(str(path), CaptureConfig(bpf_filter=bpf_filter), decode_tunnels=True)


def ports(capture: Capture, room: int | None = None) -> list[int]:
    """Read a capture to its end and return its packets' source ports."""
    found: list[int] = []
    block = PacketBlock()
    while not capture.ended:
        capture.read(block, room)
        found += block.columns["src_port"][: block.count].tolist()
        block.drop(block.count)
    capture.close()
    return found


ALL_PORTS = list(range(1000, 1020))


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "not a readable pcap or pcapng capture (truncated dump file"),
            (
                b"Hello, this is no capture at all.",
                "not a readable pcap or pcapng capture (unknown file format",
            ),
            (pcap([])[:11], "not a readable pcap or pcapng capture (truncated dump file"),
            (pcap(FRAMES, link=195), "link type 195 (IEEE802_15_4) cannot be metered; capture on"),
            (pcap(FRAMES, link=65_000), "link type 65000 (unknown) cannot be metered"),
        ],
    )
    def test_content_that_is_no_capture(self, content: bytes, problem: str, tmp_path: Path) -> None:
        path = tmp_path / "x.pcap"
        path.write_bytes(content)
        self.refused(str(path), problem)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        self.refused(str(tmp_path / "none.pcap"), "no such file or directory; name a pcap or pcapng file")

    def test_a_directory(self, tmp_path: Path) -> None:
        self.refused(str(tmp_path), "is a directory; name the capture files in it")

    def test_a_name_that_no_file_can_have(self) -> None:
        with pytest.raises(CaptureError, match="no file can have such a name"):
            opened("a\0b.pcap")

    def test_a_filter_that_does_not_compile(self, tmp_path: Path) -> None:
        path = traffic.write(tmp_path / "x.pcap", FRAMES)
        with pytest.raises(CaptureError, match=r"BPF filter 'tcp prot 80' does not compile; see pcap-filter"):
            opened(path, bpf_filter="tcp prot 80")

    def test_an_unknown_interface(self) -> None:
        with pytest.raises(CaptureError, match=r"^nosuch0: no such interface; `ip link` lists"):
            Capture.open_interface("nosuch0", CaptureConfig(), decode_tunnels=True)

    def refused(self, path: str, problem: str) -> None:
        with pytest.raises(CaptureError) as caught:
            opened(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: {problem}")
        assert message.isprintable()


class TestRead:
    def test_every_packet_in_order(self, tmp_path: Path) -> None:
        assert ports(opened(traffic.write(tmp_path / "x.pcap", FRAMES))) == ALL_PORTS

    @pytest.mark.parametrize("room", [1, 7, 19, 20, 21])
    def test_at_most_as_many_as_there_is_room_for(self, room: int, tmp_path: Path) -> None:
        capture, block = opened(traffic.write(tmp_path / "x.pcap", FRAMES)), PacketBlock()
        capture.read(block, room)
        assert block.count == min(room, 20)
        assert ports(capture, room) == ALL_PORTS[room:]

    def test_a_full_block_takes_no_more(self) -> None:
        block = PacketBlock()
        with capture_of(datagram(n, A, B, (n, 9)) for n in range(BLOCK_PACKETS + 5)) as capture:
            capture.read(block)
            capture.read(block)
            assert (block.count, capture.packets, capture.ended) == (BLOCK_PACKETS, BLOCK_PACKETS, False)
            block.drop(BLOCK_PACKETS - 1)
            assert block.columns["src_port"][0] == BLOCK_PACKETS - 1
            capture.read(block)
            assert block.columns["src_port"][:6].tolist() == [BLOCK_PACKETS + n for n in range(-1, 5)]

    def test_pcapng_too(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(pcapng(FRAMES))
        one, other = PacketBlock(), PacketBlock()
        opened(tmp_path / "x").read(one)
        with capture_of(FRAMES) as capture:
            capture.read(other)
        for name in ("time", "src_ip", "dst_ip", "src_port", "fin"):
            assert np.array_equal(one.columns[name][:20], other.columns[name][:20])

    def test_a_filter_lets_through_what_it_names(self, tmp_path: Path) -> None:
        path = traffic.write(tmp_path / "x.pcap", FRAMES)
        capture = opened(path, bpf_filter="tcp src port 1003 or tcp src port 1011")
        assert ports(capture) == [1003, 1011]
        assert capture.packets == 2

    def test_what_is_no_ip_is_ignored_and_counted(self) -> None:
        strange = [
            Frame(0, ethernet(b"\0" * 28, ethertype=0x0806)),
            Frame(1, ethernet(ip(A, B, traffic.UDP, b"\0" * 40, fragment=0x0064))),
            FRAMES[3]._replace(kept=20),
        ]
        with capture_of([*strange, *FRAMES]) as capture:
            assert ports(capture) == ALL_PORTS
        assert (capture.packets, capture.ignored) == (23, {"not_ip": 3})

    def test_the_offset_follows_the_reader(self, tmp_path: Path) -> None:
        path = traffic.write(tmp_path / "x.pcap", FRAMES)
        capture = opened(path)
        assert 0 < capture.offset() <= path.stat().st_size
        ports(capture)
        assert capture.offset() == path.stat().st_size
        capture.close()
        assert (capture.offset(), capture.drops()) == (path.stat().st_size, (0, 0))

    def test_standard_input(self, tmp_path: Path) -> None:
        program = (
            "from detector.config import CaptureConfig; from detector.meter import Capture, PacketBlock\n"
            "capture = Capture.open_file('-', CaptureConfig(), decode_tunnels=True)\n"
            "block = PacketBlock(); capture.read(block); print(block.count, capture.ended)"
        )
        path = traffic.write(tmp_path / "x.pcap", FRAMES)
        with path.open("rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
            done = subprocess.run(
                [sys.executable, "-c", program], stdin=cat.stdout, capture_output=True, check=True
            )
        assert done.stdout.split() == [b"20", b"True"]

    def test_a_named_pipe(self, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[pcap(FRAMES)])
        writer.start()
        assert ports(opened(path)) == ALL_PORTS
        writer.join()


class TestBroken:
    def test_what_came_before_the_break_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.pcap"
        path.write_bytes(pcap(FRAMES)[: 24 + 7 * (16 + len(FRAMES[0].data)) + 30])
        capture, block = opened(path), PacketBlock()

        problem = r"cut\.pcap: broken after packet 7 at byte \d+: truncated dump file.*read before is kept$"
        with pytest.raises(CaptureError, match=problem) as caught:
            capture.read(block)
        assert str(caught.value).isprintable()
        assert f"at byte {path.stat().st_size}:" in str(caught.value)
        assert (block.count, capture.packets, capture.ended) == (7, 7, True)

    def test_a_record_without_sense(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.pcap"
        path.write_bytes(pcap(FRAMES[:4]) + b"\xff" * 64)
        with pytest.raises(CaptureError, match=r"broken after packet 4 at byte .*kept$"):
            ports(opened(path))

    @settings(max_examples=150, deadline=None)
    @given(data=st.data())
    def test_damage_anywhere_loses_nothing_unnoticed(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        make = data.draw(st.sampled_from([pcap, pcapng]))
        content = bytearray(make(traffic.mixed(data.draw(st.integers(0, 20)), 60)))
        for _ in range(data.draw(st.integers(1, 6))):
            content[data.draw(st.integers(24, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.mktemp("damaged") / "x"
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        with suppress(CaptureError):
            self.all_accounted_for(opened(path))

    def test_a_stamp_before_1970_is_a_clock_set_back(self, tmp_path: Path) -> None:
        content, size = bytearray(pcap(FRAMES)), 16 + len(FRAMES[0].data)
        content[24 + 5 * size + 3] = content[24 + 9 * size + 3] = content[24 + 10 * size + 3] = 0xFF
        (tmp_path / "x.pcap").write_bytes(content)
        block = PacketBlock()
        opened(tmp_path / "x.pcap").read(block)
        times = block.columns["time"][:20].tolist()
        assert [at for at, time in enumerate(times) if time == 0] == [5, 9, 10]

    def all_accounted_for(self, capture: Capture) -> None:
        block, into = PacketBlock(), table()
        flows = []
        while not capture.ended:
            with suppress(CaptureError):
                capture.read(block)
            while not into.consume(block, final=capture.ended):
                flows.append(into.take())
            flows.append(into.take())
        into.flush()
        metered = traffic.batch([*flows, into.take()])["bidirectional_packets"].sum()
        assert metered + into.late + capture.ignored["not_ip"] == capture.packets
        capture.close()


@pytest.mark.live
class TestInterface:
    def test_packets_of_an_interface_arrive(self) -> None:
        config = CaptureConfig(bpf_filter="udp and src 127.0.0.7")
        capture, block = Capture.open_interface("lo", config, decode_tunnels=True), PacketBlock()
        capture.read(block)
        assert (block.count, capture.ended) == (0, False)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.7", 0))
            sender.sendto(b"x", ("127.0.0.1", 9))
        assert select.select([capture], [], [], 5)[0]
        capture.read(block)
        assert block.count >= 1
        assert capture.drops() == (0, 0)
        capture.close()
        capture.close()
