import gzip
import struct
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1Q, Ether

from detector.errors import UsageError
from tests import traffic
from tests.train import augmented
from tests.train.augmented import ANY_PACKETS
from train.packets import Ends, Packet, PacketFile, ends, relinked, rewritten, write


def packed(*hosts: str) -> list[bytes]:
    return [ip_address(host).packed for host in hosts]


@given(packets=ANY_PACKETS, link=st.sampled_from([1, 0, 101, 113]))
def test_what_was_written_is_read(
    packets: list[Packet], link: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "x.pcap"
    assert write(path, link, packets) == len(packets)
    file = PacketFile(path)
    assert (file.link, list(file)) == (link, packets)
    assert [each.name for each in path.parent.iterdir()] == ["x.pcap"]


def test_without_packets_there_is_no_file(tmp_path: Path) -> None:
    assert write(tmp_path / "x.pcap", 1, []) == 0
    assert list(tmp_path.iterdir()) == []


def test_every_capture_format_is_read(tmp_path: Path) -> None:
    frames = augmented.life(5)
    plain = traffic.pcap(frames)
    path = tmp_path / "x.pcap"
    path.write_bytes(plain)
    expected = list(PacketFile(path))
    assert [(each.at_us, each.length) for each in expected[:2]] == [
        (traffic.EPOCH_MS * 1000, len(frames[0].data)),
        (traffic.EPOCH_MS * 1000 + 2000, len(frames[1].data)),
    ]
    nanos = bytearray(struct.pack("<I", 0xA1B23C4D) + plain[4:24])
    for packet in expected:
        seconds, micros = divmod(packet.at_us, 1_000_000)
        nanos += struct.pack("<IIII", seconds, micros * 1000, len(packet.data), packet.length) + packet.data
    for content in (traffic.pcapng(frames), gzip.compress(plain), bytes(nanos)):
        path.write_bytes(content)
        assert list(PacketFile(path)) == expected


def test_a_record_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(traffic.pcap(augmented.life(3))[:-1])
    assert len(list(PacketFile(tmp_path / "x.pcap"))) == 5


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xd4\xc3\xb2\xa1"])
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pcap").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.pcap: no readable pcap"):
        PacketFile(tmp_path / "x.pcap")
    with pytest.raises(UsageError, match=r"none\.pcap: no readable pcap"):
        PacketFile(tmp_path / "none.pcap")


def test_a_link_without_ip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(traffic.pcap(augmented.life(1), link=195))
    with pytest.raises(UsageError, match="link type 195 cannot be rewritten"):
        PacketFile(tmp_path / "x.pcap")


V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize(
    ("frame", "hosts", "protocol", "ports"),
    [
        (Ether() / V4 / TCP(sport=7, dport=9), ("10.0.0.1", "10.0.0.2"), 6, (7, 9)),
        (Ether() / Dot1Q() / Dot1Q() / V4 / UDP(sport=7, dport=9), ("10.0.0.1", "10.0.0.2"), 17, (7, 9)),
        (Ether() / V6 / TCP(sport=7, dport=9), ("2001:db8::1", "2001:db8::2"), 6, (7, 9)),
        (
            Ether() / V6 / IPv6ExtHdrHopByHop() / UDP(sport=7, dport=9),
            ("2001:db8::1", "2001:db8::2"),
            17,
            (7, 9),
        ),
        (Ether() / IP(src="10.0.0.1", dst="10.0.0.2", frag=9, proto=6), ("10.0.0.1", "10.0.0.2"), 6, None),
        (Ether() / IP(src="10.0.0.1", dst="10.0.0.2", proto=1) / b"ping", ("10.0.0.1", "10.0.0.2"), 1, None),
    ],
)
def test_ends_are_found(
    frame: Ether, hosts: tuple[str, str], protocol: int, ports: tuple[int, int] | None
) -> None:
    found = ends(bytes(frame), 1)
    assert found is not None
    assert [found.src, found.dst] == packed(*hosts)
    assert (found.protocol, found.ports) == (protocol, ports)


@given(data=st.binary(max_size=80), link=st.sampled_from([0, 1, 9, 12, 101, 104, 113, 228, 229]))
def test_whatever_the_bytes_nothing_breaks(data: bytes, link: int) -> None:
    known = ends(data, link)
    if known is not None:
        assert ends(rewritten(Packet(0, data, len(data)), known).data, link) == known


@given(packets=ANY_PACKETS, number=st.integers(1, 9), port=st.integers(0, 65535))
def test_other_ends_are_all_that_changes(packets: list[Packet], number: int, port: int) -> None:
    for packet in packets:
        known = ends(packet.data, 1)
        if known is None:
            continue
        other = bytes([number]) * len(known.src)
        made = rewritten(packet, known, src=other, dst=other, sport=port, dport=port)
        ports = None if known.ports is None else (port, port)
        assert ends(made.data, 1) == known._replace(src=other, dst=other, ports=ports)
        assert (len(made.data), made.at_us, made.length) == (len(packet.data), packet.at_us, packet.length)
        back = dict(zip(("sport", "dport"), known.ports or (), strict=False))
        found = ends(made.data, 1)
        assert found is not None
        assert rewritten(made, found, src=known.src, dst=known.dst, **back) == packet


@given(packets=ANY_PACKETS, link=st.sampled_from([0, 1, 9, 101, 104, 113]))
def test_a_packet_keeps_its_ends_on_another_link(packets: list[Packet], link: int) -> None:
    for packet in packets:
        known = ends(packet.data, 1)
        if known is not None:
            made = relinked(packet, known, link)
            found = ends(made.data, link)
            assert isinstance(found, Ends)
            assert found[:4] == known[:4]
            assert made.data[found.header :] == packet.data[known.header :]
            assert made.length - len(made.data) == packet.length - len(packet.data)
