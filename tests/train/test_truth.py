"""Who attacked whom, laid over flows and windows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.errors import UsageError
from detector.records import CATEGORIES, Category, FlowBatch, Role
from tests.detector.windows.samples import run
from tests.traffic import EPOCH_MS, batch, flow
from train.truth import (
    ANSWERS_MS,
    BENIGN,
    LEFT_OUT,
    Event,
    infer_labels,
    label_flows,
    label_windows,
    read_events,
)

DDOS, DOS, RECON = (CATEGORIES.index(name) for name in (Category.DDOS, Category.DOS, Category.RECON))
EVENT = {"class": "Recon", "attackers": ["10.0.0.1"], "victims": ["*"], "start": 1.25, "end": 2.5}


def truth(path: Path, *events: Any) -> Path:
    path.write_text(json.dumps({"events": events}))
    return path


class TestReading:
    def test_events(self, tmp_path: Path) -> None:
        other = EVENT | {"class": "other", "victims": ["10.0.0.0/8", "::1"]}
        assert read_events(truth(tmp_path / "x.json", EVENT, other, EVENT | {"class": "ddos"})) == [
            Event(RECON, ("10.0.0.1",), ("*",), 1250, 2501),
            Event(LEFT_OUT, ("10.0.0.1",), ("10.0.0.0/8", "::1"), 1250, 2501),
            Event(DDOS, ("10.0.0.1",), ("*",), 1250, 2501),
        ]

    @pytest.mark.parametrize(
        "change",
        [
            {"class": "Worm"},
            {"start": "soon"},
            {"end": float("nan")},
            {"end": float("inf")},
            {"attackers": "10.0.0.1"},
            {"attackers": None},
            {"victims": ["10.0.0.1/33"]},
            {"victims": ["camera"]},
        ],
    )
    def test_an_event_without_sense_is_refused(self, change: dict[str, Any], tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"x\.json: no readable truth .*expected a JSON object"):
            read_events(truth(tmp_path / "x.json", EVENT | change))

    @pytest.mark.parametrize(("default", "untold"), [("ignore", LEFT_OUT), ("benign", BENIGN)])
    def test_what_no_event_tells(self, default: str, untold: int, tmp_path: Path) -> None:
        told = {"default_class": default, "events": [EVENT]}
        (tmp_path / "x.json").write_text(json.dumps(told))
        flows = batch([flow(0), flow(0, "10.0.0.9", "10.0.0.7")])
        (event,) = read_events(truth(tmp_path / "y.json", EVENT | {"start": 0, "end": 9e9}))
        events = [*read_events(tmp_path / "x.json")[:-1], event]
        assert label_flows(flows, events).tolist() == [RECON, untold]

    @pytest.mark.parametrize("name", EVENT)
    def test_a_missing_part_is_refused(self, name: str, tmp_path: Path) -> None:
        event = {key: value for key, value in EVENT.items() if key != name}
        with pytest.raises(UsageError, match=f"'{name}'"):
            read_events(truth(tmp_path / "x.json", event))

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{}", b'{"events": 5}', b'{"events": [5]}', b"\xff\xfe", b"[" * 5000]
    )
    def test_a_file_without_sense_is_refused(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(UsageError, match="no readable truth"):
            read_events(tmp_path / "x.json")

    def test_bystanders(self, tmp_path: Path) -> None:
        path = tmp_path / "x.json"
        path.write_text(json.dumps({"events": [EVENT], "bystanders": ["10.0.0.7"]}))
        assert read_events(path)[0].bystanders == ("10.0.0.7",)
        path.write_text(json.dumps({"events": [EVENT], "bystanders": "10.0.0.7"}))
        with pytest.raises(UsageError, match="for a list of addresses"):
            read_events(path)

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="FileNotFoundError"):
            read_events(tmp_path / "none.json")


def event(
    label: int,
    attackers: tuple[str, ...] = ("*",),
    victims: tuple[str, ...] = ("*",),
    span_ms: tuple[int, int] = (0, 10**6),
) -> Event:
    return Event(label, attackers, victims, EPOCH_MS + span_ms[0], EPOCH_MS + span_ms[1])


class TestFlows:
    FLOWS = batch(
        [
            flow(1000, "10.0.0.1", "10.0.0.9"),
            flow(2000, "10.0.1.1", "10.0.0.9"),
            flow(3000, "10.0.0.9", "10.0.0.1"),
            flow(4000, "2001:db8::1", "2001:db8::9"),
        ]
    )

    def labels(self, *events: Event) -> list[int]:
        return list(map(int, label_flows(self.FLOWS, list(events))))

    @pytest.mark.parametrize(
        ("attackers", "expected"),
        [
            (("*",), [RECON] * 4),
            (("10.0.0.1",), [RECON, 0, LEFT_OUT, 0]),
            (("10.0.0.1", "2001:db8::/64"), [RECON, 0, LEFT_OUT, RECON]),
            (("10.0.0.0/16",), [RECON, RECON, RECON, 0]),
            (("10.0.1.77/24",), [0, RECON, 0, 0]),
            (("::/0",), [0, 0, 0, RECON]),
            ((), [0, 0, 0, 0]),
        ],
    )
    def test_attackers_are_addresses_or_networks(
        self, attackers: tuple[str, ...], expected: list[int]
    ) -> None:
        assert self.labels(event(RECON, attackers)) == expected

    def test_both_ends_and_the_time_must_fit(self) -> None:
        assert self.labels(event(DOS, ("10.0.0.0/8",), ("10.0.0.9",))) == [DOS, DOS, LEFT_OUT, 0]
        # The flow's packets came 20 and 10 ms before it left.
        sent = ("10.0.0.0/23",)
        assert self.labels(event(DOS, sent, span_ms=(1990, 2980))) == [0, DOS, DOS, 0]
        assert self.labels(event(DOS, sent, ("10.0.0.9",), span_ms=(1991, 1999))) == [0, 0, LEFT_OUT, 0]

    def test_late_answers_of_victims_are_left_out_for_a_while(self) -> None:
        scan = event(RECON, ("10.0.0.1",), ("10.0.0.9",), span_ms=(0, 1000))
        assert self.labels(scan) == [RECON, 0, LEFT_OUT, 0]
        early = replace(scan, start_ms=EPOCH_MS - 30_000, end_ms=EPOCH_MS + 2980 - ANSWERS_MS)
        assert self.labels(early) == [0, 0, LEFT_OUT, 0]
        assert self.labels(replace(early, end_ms=early.end_ms - 1)) == [0, 0, 0, 0]
        assert self.labels(replace(scan, label=BENIGN)) == [0, 0, 0, 0]

    def test_of_two_events_the_later_holds(self) -> None:
        assert self.labels(event(RECON), event(LEFT_OUT, ("10.0.1.1",))) == [RECON, LEFT_OUT, RECON, RECON]

    def test_everybody_is_everybody_but_bystanders(self) -> None:
        spoofed = replace(event(DDOS, victims=("10.0.0.9",)), bystanders=("10.0.1.1", "2001:db8::/64"))
        assert self.labels(spoofed) == [DDOS, 0, LEFT_OUT, 0]
        assert self.labels(replace(spoofed, attackers=("10.0.1.1",))) == [0, DDOS, 0, 0]

    def test_no_flows(self) -> None:
        assert len(label_flows(batch([]), [event(RECON, ("10.0.0.1",))])) == 0


class TestInference:
    CHATTER = tuple(flow(n, "10.0.0.7", "10.0.0.8", src_port=n) for n in range(10))

    def test_benign_and_left_out_hold_for_every_flow(self) -> None:
        for label in (BENIGN, LEFT_OUT):
            assert infer_labels(batch(self.CHATTER), label).tolist() == [label] * 10
        assert len(infer_labels(batch([]), RECON)) == 0

    def test_a_scanner_asks_for_most_ends(self) -> None:
        scan = [flow(n, "10.0.0.66", f"10.0.0.{n % 3}", dst_port=n) for n in range(40)]
        replies = [flow(n, "10.0.0.1", "10.0.0.66") for n in range(3)]
        found = infer_labels(batch([*scan, *replies, *self.CHATTER]), RECON)
        assert found.tolist() == [RECON] * 40 + [LEFT_OUT] * 13

    def test_a_floods_victim_is_sent_most(self) -> None:
        flood = [flow(n, f"10.9.{n}.1", "10.0.0.1", src2dst_packets=5) for n in range(40)]
        replies = [flow(n, "10.0.0.1", f"10.9.{n}.1") for n in range(20)]
        found = infer_labels(batch([*flood, *replies, *self.CHATTER]), DDOS)
        assert found.tolist() == [DDOS] * 40 + [LEFT_OUT] * 30

    def test_of_a_dos_only_the_main_sender_is_labelled(self) -> None:
        flood = [flow(n, "10.0.0.66", "10.0.0.1", src_port=n) for n in range(40)]
        visits = [flow(n, f"10.0.0.{n}", "10.0.0.1") for n in range(2, 5)]
        found = infer_labels(batch([*flood, *visits, *self.CHATTER]), DOS)
        assert found.tolist() == [DOS] * 40 + [LEFT_OUT] * 13


VICTIM = "10.0.0.9"


def window_labels(flows: list[FlowBatch], labels: list[int]) -> dict[Role, list[int]]:
    """Label the windows (of 5 flows, due from 2 on) of flows that are labelled so."""
    joined = batch(flows)
    facts = run(joined).facts
    found = label_windows(facts, joined, np.array(labels, np.int8))
    return {role: found[facts["role"] == role].tolist() for role in Role}


def sent(sources: int, count: int = 5) -> list[FlowBatch]:
    return [flow(n, f"10.0.1.{n % sources}", VICTIM) for n in range(count)]


class TestWindows:
    def test_no_windows(self) -> None:
        assert len(label_windows(run(batch([])).facts, batch([]), np.zeros(0, np.int8))) == 0

    def test_quiet_windows_are_benign(self) -> None:
        assert window_labels(sent(1), [BENIGN] * 5) == {Role.SOURCE: [BENIGN], Role.TARGET: [BENIGN]}

    @pytest.mark.parametrize(("attacks", "label"), [(1, LEFT_OUT), (2, RECON), (5, RECON)])
    def test_an_attack_shows_from_a_quarter_of_the_flows(self, attacks: int, label: int) -> None:
        labels = [RECON] * attacks + [BENIGN] * (5 - attacks)
        assert window_labels(sent(1), labels) == {Role.SOURCE: [label], Role.TARGET: [label]}

    def test_unknown_flows_make_a_quiet_window_unknown(self) -> None:
        assert window_labels(sent(1), [BENIGN] * 4 + [LEFT_OUT])[Role.SOURCE] == [LEFT_OUT]

    def test_unknown_flows_do_not_hide_an_attack(self) -> None:
        assert window_labels(sent(1), [DOS, DOS] + [LEFT_OUT] * 3)[Role.SOURCE] == [DOS]

    def test_the_commonest_attack_names_the_window(self) -> None:
        assert window_labels(sent(1), [DOS, RECON, RECON, BENIGN, BENIGN])[Role.TARGET] == [RECON]

    def test_a_ddos_shows_at_its_victim_and_not_at_one_of_its_sources(self) -> None:
        found = window_labels(sent(2, count=6), [DDOS] * 6)
        assert found == {Role.SOURCE: [LEFT_OUT, LEFT_OUT], Role.TARGET: [DDOS]}

    def test_a_victim_that_sees_one_source_of_a_ddos_is_left_out(self) -> None:
        assert window_labels(sent(1), [DDOS] * 5)[Role.TARGET] == [LEFT_OUT]

    def test_only_the_flows_that_a_window_holds_count(self) -> None:
        # The window holds five flows: the scan before them has left it.
        flows = [flow(at, "10.0.0.1", VICTIM) for at in [0, 1, 2, 300, 301, 302, 303, 304]]
        found = window_labels(flows, [RECON] * 3 + [BENIGN] * 5)
        assert found[Role.SOURCE] == [RECON, BENIGN]

    def test_hosts_are_told_apart_by_role(self) -> None:
        flows = [*sent(1), *(flow(10 + n, VICTIM, "10.0.1.0") for n in range(5))]
        found = window_labels(flows, [DOS] * 5 + [BENIGN] * 5)
        assert found == {Role.SOURCE: [DOS, BENIGN], Role.TARGET: [DOS, BENIGN]}
