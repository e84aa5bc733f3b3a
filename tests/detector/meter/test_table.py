"""When flows end, in which order they leave, and what is kept of them."""

from typing import Any

import pytest

from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter import PacketBlock, compiled, flow_table, pure
from detector.meter.engine import ffi, lib
from detector.meter.table import EXPORT_FLOWS
from detector.records import Expiry, FlowBatch, address
from tests.detector.meter.samples import capture_of, feed, metered, table
from tests.traffic import (
    ACK,
    EPOCH_MS,
    FIN,
    PSH,
    RST,
    SYN,
    TCP,
    UDP,
    Frame,
    datagram,
    ethernet,
    gtp,
    ip,
    segment,
    tcp,
    udp,
)

A, B = "10.0.0.1", "10.0.0.2"
FORTH, BACK = (40_000, 80), (80, 40_000)


def forth(at_ms: float, flags: int) -> Frame:
    return segment(at_ms, A, B, FORTH, flags)


def back(at_ms: float, flags: int) -> Frame:
    return segment(at_ms, B, A, BACK, flags)


def reasons(flows: FlowBatch) -> list[Expiry]:
    return [Expiry(reason) for reason in flows["expiration_id"].tolist()]


def exports(flows: FlowBatch) -> list[int]:
    """Return when flows left, in milliseconds after the start of made traffic."""
    return [stamp - EPOCH_MS for stamp in flows["export_ms"].tolist()]


HANDSHAKE = [forth(0, SYN), back(1, SYN | ACK), forth(2, ACK)]


class TestClosing:
    def test_the_last_ack_ends_a_flow(self) -> None:
        into = table()
        flows = feed([*HANDSHAKE, forth(5, FIN | ACK), back(6, FIN | ACK), forth(7, ACK)], into)

        assert (reasons(flows), exports(flows), len(into)) == ([Expiry.CLOSED], [7], 0)
        assert flows["bidirectional_packets"].tolist() == [6]

    def test_a_repeated_fin_is_not_the_last_ack(self) -> None:
        flows = feed([forth(0, FIN), back(1, FIN), back(2, FIN), forth(9, ACK)], table())
        assert (reasons(flows), exports(flows)) == ([Expiry.CLOSED], [9])

    def test_a_reset_ends_a_flow_at_once(self) -> None:
        flows = feed([forth(0, SYN), back(3, RST | ACK)], table())
        assert (reasons(flows), exports(flows)) == ([Expiry.CLOSED], [3])

    def test_the_resets_that_follow_are_one_flow(self) -> None:
        """So a dead end answers each segment that was under way."""
        frames = [*HANDSHAKE, *(back(n, RST) for n in range(10, 40)), forth(50, SYN), back(51, RST | ACK)]
        flows = metered(frames, table())
        assert reasons(flows) == [Expiry.CLOSED] * 3
        assert flows["bidirectional_packets"].tolist() == [4, 29, 2]
        assert exports(flows) == [10, 50, 51]

    def test_a_flood_of_resets_is_cut_into_slices(self) -> None:
        into = table()
        flows = metered([forth(at, RST) for at in range(0, 2500, 10)], into)
        assert reasons(flows) == [Expiry.ACTIVE, Expiry.ACTIVE, Expiry.FLUSHED]
        assert flows["bidirectional_packets"].tolist() == [100, 100, 50]
        assert into.late == 0

    def test_resets_without_memory_of_closing_are_packets_like_others(self) -> None:
        flows = metered([forth(0, RST), back(1, ACK), forth(2, RST)], table(expire_closed=False))
        assert flows["bidirectional_packets"].tolist() == [3]

    def test_one_fin_does_not(self) -> None:
        into = table()
        assert len(feed([*HANDSHAKE, forth(5, FIN | ACK), back(6, ACK)], into)) == 0
        assert len(into) == 1

    def test_what_idled_after_its_fins_does_not_close_its_successor(self) -> None:
        into = table()
        flows = feed([forth(0, FIN), back(1, FIN), forth(5000, SYN), back(5001, SYN | ACK)], into)
        assert (reasons(flows), len(into)) == ([Expiry.IDLE], 1)

    def test_it_is_tcp_alone_that_closes(self) -> None:
        # The flag word of other protocols means nothing.
        into = table()
        assert len(feed([datagram(n, A, B, (5, 6), b"\xff" * 20) for n in range(3)], into)) == 0

    def test_the_bundle_may_leave_closing_out(self) -> None:
        into = table(expire_closed=False)
        assert len(feed([*HANDSHAKE, forth(4, RST)], into)) == 0

    def test_the_next_packet_opens_another_flow(self) -> None:
        flows = metered([forth(0, SYN), back(1, RST | ACK), forth(2, SYN), back(3, RST | ACK)], table())
        assert flows["bidirectional_packets"].tolist() == [2, 2]


class TestTimeouts:
    def test_a_quiet_link_lets_flows_go_within_the_idle_timeout(self) -> None:
        into = table()
        feed([forth(0, SYN), forth(100, SYN)], into)

        into.advance(EPOCH_MS + 1099)
        assert len(into.take()) == 0
        into.advance(EPOCH_MS + 1100)
        flows = into.take()
        assert (reasons(flows), exports(flows), len(into)) == ([Expiry.IDLE], [1100], 0)

    def test_flows_leave_when_they_were_due_not_when_it_was_noticed(self) -> None:
        flows = feed([forth(0, SYN), datagram(300, A, B, (1, 2)), datagram(9000, A, B, (1, 3))], table())
        assert (reasons(flows), exports(flows)) == ([Expiry.IDLE] * 2, [1000, 1300])

    def test_a_flow_that_goes_on_is_cut_into_slices(self) -> None:
        flows = metered([forth(at_ms, ACK) for at_ms in range(0, 2500, 100)], table())
        assert reasons(flows) == [Expiry.ACTIVE, Expiry.ACTIVE, Expiry.FLUSHED]
        assert flows["bidirectional_packets"].tolist() == [10, 10, 5]

    def test_time_does_not_go_back_for_a_late_packet(self) -> None:
        into = table()
        into.advance(EPOCH_MS + 500)
        assert feed([forth(0, SYN), forth(20, RST)], into)["bidirectional_first_seen_ms"] == EPOCH_MS + 500


class TestLimits:
    def test_the_flow_that_waited_longest_makes_room(self) -> None:
        frames = [datagram(n, A, B, (n, 9)) for n in range(16)]
        frames += [datagram(16, A, B, (0, 9)), *(datagram(20 + n, A, B, (100 + n, 9)) for n in range(3))]
        into = table(max_flows=16)
        flows = feed(frames, into)

        assert (reasons(flows), exports(flows)) == ([Expiry.EVICTED] * 3, [20, 21, 22])
        assert flows["src_port"].tolist() == [1, 2, 3]
        assert (into.expired, len(into)) == ({Expiry.EVICTED: 3}, 16)

    def test_what_is_still_open_leaves_with_flush(self) -> None:
        into = table()
        flows = metered([forth(0, SYN), datagram(7, A, B, (1, 2))], into)
        assert (reasons(flows), exports(flows), len(into)) == ([Expiry.FLUSHED] * 2, [7, 7], 0)

    def test_a_packet_without_memory_for_its_flow_is_counted(
        self, loop: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if loop == "compiled":
            return  # in test_compiled.py

        class Exhausted:
            def __getattr__(self, name: str) -> Any:
                return getattr(lib, name)

            def meter_initialize_flow(self, *_: Any) -> Any:
                return ffi.NULL

        into = table()
        monkeypatch.setattr(pure, "lib", Exhausted())
        assert len(metered([forth(0, SYN), back(1, RST)], into)) == 0
        assert (into.refused, len(into)) == (2, 0)

    def test_flows_say_which_source_they_are_from(self) -> None:
        into = flow_table(MeterSettings(), MeterConfig(), source=5)
        assert metered([forth(0, SYN)], into)["source"].tolist() == [5]

    def test_new_flows_are_thinned_out_under_pressure(self) -> None:
        into = table()
        into.thinned = 2
        frames = [datagram(n / 10, A, B, (n % 4000, n // 4000)) for n in range(8000)]
        flows = metered([*frames, *frames], into)
        assert 0.7 < into.shed / (16_000 * 3 / 4) < 1.3
        assert set(flows["bidirectional_packets"].tolist()) == {2}
        assert int(flows["bidirectional_packets"].sum()) + into.shed == 16_000

    def test_open_flows_go_on_while_new_ones_are_thinned_out(self) -> None:
        into = table()
        feed([datagram(n, A, B, (n, 9)) for n in range(100)], into)
        into.thinned = 6
        assert (
            metered([datagram(200 + n, A, B, (n, 9)) for n in range(100)], into)[
                "bidirectional_packets"
            ].tolist()
            == [2] * 100
        )
        assert into.shed == 0


class TestDirection:
    SLICED = (forth(0, SYN), back(1, SYN | ACK), back(900, ACK), back(1400, ACK), forth(1500, ACK))

    def senders(self, frames: tuple[Frame, ...], **settings: bool) -> list[str]:
        flows = metered(frames, table(**settings))
        return [str(address(flow["src_ip"])) for flow in flows]

    def test_slices_keep_the_direction_of_the_first_packet(self) -> None:
        assert self.senders(self.SLICED) == [A, A]
        assert self.senders(self.SLICED, keep_direction=False) == [A, B]

    def test_all_columns_of_a_side_move(self) -> None:
        turned = metered(self.SLICED, table())[1]
        plain = metered(self.SLICED, table(keep_direction=False))[1]
        for name in ("packets", "bytes", "first_seen_ms", "mean_ps", "ack_packets", "duration_ms"):
            assert turned[f"src2dst_{name}"] == plain[f"dst2src_{name}"]
            assert turned[f"dst2src_{name}"] == plain[f"src2dst_{name}"]
        for name in ("ip", "mac", "port"):
            assert (turned[f"src_{name}"] == plain[f"dst_{name}"]).all()

    def test_a_conversation_keeps_its_direction_over_a_pause(self) -> None:
        assert self.senders((forth(0, PSH), back(1, ACK), back(5000, PSH), forth(5001, ACK))) == [A, A]

    def test_a_turned_slice_does_not_turn_the_next(self) -> None:
        frames = (forth(0, PSH), back(500, ACK), back(1100, ACK), forth(1600, ACK), back(2200, ACK))
        assert self.senders(frames) == [A, A, A]

    def test_without_an_answer_there_was_no_conversation(self) -> None:
        assert self.senders((forth(0, ACK), back(5000, ACK))) == [A, B]

    def test_a_new_handshake_turns_it(self) -> None:
        assert self.senders((forth(0, PSH), back(1, ACK), back(5000, SYN), forth(5001, SYN | ACK))) == [A, B]

    def test_a_closed_connection_is_forgotten(self) -> None:
        assert self.senders((forth(0, PSH), back(1, RST), back(2, ACK))) == [A, B]

    LATE = (*HANDSHAKE, forth(3000, RST))

    @pytest.mark.parametrize("late", [forth, back])
    def test_a_reset_after_the_last_flow_of_a_conversation_begins_none(self, late: Any) -> None:
        into = table()
        flows = metered((*HANDSHAKE, late(3000, RST | ACK)), into)
        assert flows["bidirectional_packets"].tolist() == [3]
        assert (into.late, into.packets, into.remembered) == (1, 4, 0)

    def test_a_second_reset_begins_a_flow_as_one_without_a_conversation_does(self) -> None:
        into = table()
        assert len(metered((*self.LATE, forth(3001, RST)), into)) == 2
        assert into.late == 1
        assert len(metered((forth(0, RST),), into)) == 1
        assert into.late == 1

    def test_without_memory_every_reset_begins_a_flow(self) -> None:
        into = table(keep_direction=False)
        assert len(metered(self.LATE, into)) == 2
        assert into.late == 0

    def test_memory_of_directions_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for place in (pure, compiled):
            monkeypatch.setattr(place, "REMEMBERED_CONVERSATIONS", 4)
        into = table()
        frames = [
            frame for n in range(50) for frame in (datagram(n, A, B, (n, 9)), datagram(n + 0.5, B, A, (9, n)))
        ]
        metered(frames, into)
        assert into.remembered == 4


class TestKeys:
    TAGGED = (
        Frame(0, ethernet(ip(A, B, UDP, udp(1, 2)), vlans=[7])),
        Frame(1, ethernet(ip(B, A, UDP, udp(2, 1)))),
    )

    def test_vlans_tell_flows_apart(self) -> None:
        assert metered(self.TAGGED, table())["vlan_id"].tolist() == [7, 0]

    def test_unless_a_mirror_port_tags_one_direction_only(self) -> None:
        flows = metered(self.TAGGED, table(vlan_in_key=False))
        assert flows[["src2dst_packets", "dst2src_packets"]].tolist() == [(1, 1)]

    def test_a_tunnel_is_opened_unless_told_otherwise(self) -> None:
        inner = ip(A, B, TCP, tcp(1, 2))
        frames = [Frame(0, ethernet(ip("172.16.0.1", "172.16.0.2", UDP, gtp(inner))))]

        opened = metered(frames, table())
        closed = metered(frames, table(), tunnels=False)
        assert (str(address(opened["src_ip"][0])), opened["protocol"][0]) == (A, TCP)
        assert (str(address(closed["src_ip"][0])), closed["protocol"][0]) == ("172.16.0.1", UDP)


def test_a_clock_set_back_lets_every_flow_go_first() -> None:
    into, block = table(), PacketBlock()
    frames = [forth(100_000, SYN), datagram(100_001, A, B, (1, 2)), forth(0, SYN), forth(1, RST)]
    with capture_of(frames) as capture:
        capture.read(block)
        assert into.consume(block, final=True) is False
        before = into.take()
        assert into.consume(block, final=True) is True

    after = into.take()
    assert (reasons(before), exports(before)) == ([Expiry.FLUSHED] * 2, [100_001, 100_001])
    assert (reasons(after), exports(after)) == ([Expiry.CLOSED], [1])


def test_many_flows_leave_in_several_batches() -> None:
    count = 2 * EXPORT_FLOWS + 3
    flows = metered([datagram(n * 0.01, A, B, (n, 9)) for n in range(count)], table())
    assert sorted(flows["src_port"].tolist()) == list(range(count))
