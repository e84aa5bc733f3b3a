"""The soak's own traffic, plan and judgement: what it asks of a run is what it says."""

import json
import signal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from tests.bench.live_daemon import Metrics, Subject
from tests.bench.live_programs import Counts
from tests.bench.live_sender import Wire
from tests.bench.packets import HEADER, frames, make
from tests.command import lines, run_here
from tests.listener import Listener
from tests.soak.faults import Troubles
from tests.soak.plan import (
    BLINDING,
    CATEGORIES,
    FAULTS,
    FEWEST_SLOTS,
    SHORTEST_SLOT_SECS,
    Attack,
    Fault,
    Plan,
    plan,
)
from tests.soak.receiver import Receiver, name_of
from tests.soak.report import days, figures, show
from tests.soak.run import Result
from tests.soak.samples import Sample, course
from tests.soak.sender import send
from tests.soak.stage import Stage
from tests.soak.traffic import BLOCK_SECS, PACKETS_PER_SEC, ordinary, packets_of, scene, stream
from tests.soak.verdict import address, checks, found, packet_terms
from tests.traffic import FIN, SYN, UDP

SHORTEST_SECS = FEWEST_SLOTS * SHORTEST_SLOT_SECS
ATTACK = Attack(2, "port scan", begins=20.0, lasts=4.0, rate=100)


@pytest.mark.parametrize("secs", [SHORTEST_SECS, 1320])
def test_every_kind_of_fault_and_attack_is_planned(secs: float) -> None:
    planned = plan(1, secs)
    assert planned == plan(1, secs) != plan(2, secs)
    assert {fault.kind for fault in planned.faults} == set(FAULTS) - {"none"}
    assert {attack.kind for attack in planned.attacks} == set(CATEGORIES)
    assert [attack.number for attack in planned.attacks] == list(range(len(planned.attacks)))
    ends = [(fault.begins, fault.ends) for fault in planned.faults]
    assert all(one[1] <= other[0] for one, other in pairwise(ends))
    assert ends[0][0] >= SHORTEST_SLOT_SECS
    assert max(attack.begins + attack.lasts for attack in planned.attacks) < secs - SHORTEST_SLOT_SECS


def test_a_fault_meets_the_alert_of_its_attack() -> None:
    planned = plan(4, SHORTEST_SECS)
    sinks = [
        fault for fault in planned.faults if fault.kind in {"disk full", "receiver gone", "receiver hangs"}
    ]
    assert len(sinks) == 3
    for fault in sinks:
        assert any(fault.begins <= attack.begins < fault.ends - 2 for attack in planned.attacks)


def test_no_attack_comes_while_nothing_can_be_seen() -> None:
    planned = plan(3, 1320)
    blind = [fault for fault in planned.faults if fault.kind in BLINDING]
    assert len(blind) > 10
    for attack in planned.attacks:
        assert all(
            attack.begins + attack.lasts < fault.begins or attack.begins > fault.ends for fault in blind
        )


def test_packets_come_in_order_and_as_many_as_a_network_has() -> None:
    blocks = list(stream(Plan((), ()), seed=1, secs=20, networks=4))
    times = np.concatenate([block["micros"] for block in blocks])
    assert (np.diff(times) >= 0).all()
    assert [int(block["micros"].max()) // 1_000_000 // BLOCK_SECS for block in blocks] == list(range(10))
    later = sum(map(len, blocks[5:]))
    assert later == pytest.approx(10 * 4 * PACKETS_PER_SEC, rel=0.05)
    assert days(72 * 20 * 60 * PACKETS_PER_SEC) == pytest.approx(1)


def test_devices_give_way_to_others() -> None:
    def clients(block: int) -> set[int]:
        made = ordinary(np.random.default_rng(1), block, 2)
        return set(made["src"][made["flags"] == SYN].tolist())

    assert 2 * 6 < len(clients(0)) <= 2 * 12
    assert not clients(0) & clients(90)


@pytest.mark.parametrize("kind", CATEGORIES)
def test_an_attack_is_what_its_kind_says(kind: str) -> None:
    attack = ATTACK._replace(kind=kind)
    made = packets_of(attack)
    sent = made[made["dst"] == attack.victim]
    assert len(sent) == 400
    assert sent["micros"][[0, -1]].tolist() == [20_000_000, 23_990_000]
    spoofed = kind.startswith("spoofed")
    assert len(set(sent["src"].tolist())) == (400 if spoofed else 1)
    assert (sent["protocol"] == UDP).all() == ("UDP" in kind)
    assert len(set(sent["dst_port"].tolist())) == (400 if kind == "port scan" else 1)
    assert len(made) == (800 if kind == "port scan" else 400)
    assert not (made["flags"] & FIN).any()


def test_every_attack_is_told_among_ordinary_traffic_and_nothing_else_is(tmp_path: Path) -> None:
    """By the shipped bundle, from a file: what the live run asks can be had."""
    attacks = tuple(
        ATTACK._replace(number=number, kind=kind, begins=4.0 + 4 * number, lasts=3.0, rate=rate)
        for number, (kind, rate) in enumerate(zip(CATEGORIES, (120, 1_500, 4_000, 1_500, 4_000), strict=True))
    )
    blocks = stream(Plan(attacks, ()), seed=1, secs=28, networks=2)
    (tmp_path / "soak.pcap").write_bytes(HEADER + b"".join(map(frames, blocks)))
    alerts = tmp_path / "alerts.json"
    assert run_here(["--pcap", str(tmp_path / "soak.pcap"), "--alerts", str(alerts)]) == 0
    events = lines(alerts.read_bytes())
    told = {
        (event["iotids"]["category"], event["dest_ip"])
        for event in events
        if event["iotids"]["state"] == "open"
    }
    assert told == {(attack.category, address(attack.victim)) for attack in attacks}


class Slow(Wire):
    """A wire that takes no more than three frames at once, and none at all now and then."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.calls = 0

    def load(self, scene: Any) -> None:
        self.frames = [frame.tobytes()[:size] for frame, size in zip(scene.frames, scene.sizes, strict=True)]

    def send(self, at: int, count: int) -> int:
        self.calls += 1
        some = 0 if self.calls % 4 == 0 else min(count, 3)
        self.taken += self.frames[at : at + some]
        return some


def test_every_packet_is_sent_once_and_not_before_its_time() -> None:
    now, wire = 0.0, Slow()
    packets = make(np.arange(5000) * 1000, src=1, dst=2, dst_port=np.arange(5000) % 60_000, flags=SYN)

    def nap(secs: float) -> None:
        nonlocal now
        now += secs
        assert len(wire.taken) <= now * 1000 + 1

    send(wire, packets, 0.0, clock=lambda: now, nap=nap)
    whole = frames(packets, since_micros=0)
    assert b"".join(wire.taken) == b"".join(whole[at + 16 : at + 76] for at in range(0, len(whole), 76))


def test_frames_on_the_wire_have_the_size_that_they_tell() -> None:
    made = scene(make(np.zeros(2, np.int64), payload=np.array([0, 1400])))
    assert made.sizes.tolist() == [60, 1454]
    assert made.frames[1].tobytes()[12:18] == b"\x08\x00E\x00" + (1440).to_bytes(2, "big")


def looks(count: int = 100, **changes: Any) -> list[Sample]:
    """Return looks, a second apart; changes are values or functions of the time."""
    usual: dict[str, Any] = {
        "rss_mb": 200.0,
        "handles": 7,
        "threads": 9,
        "lag": 1.3,
        "up": True,
        "packets": 0,
        "dropped": {},
        "flows_dropped": 0,
        "windows_shed": 0,
        "queued": 0,
        "active_flows": 0,
        "window_hosts": 0,
        "open_incidents": 0,
        "processor_secs": 0.0,
        "waiting_secs": 0.0,
    }
    return [
        Sample(
            at=float(at),
            **{name: value(at) if callable(value) else value for name, value in (usual | changes).items()},
        )
        for at in range(count)
    ]


def test_a_course_has_its_ends_and_what_the_second_half_grows_by() -> None:
    found = course(looks(rss_mb=lambda at: 100 + at), lambda one: one.rss_mb)
    assert found == pytest.approx((102, 150, 197, 199, 49))
    assert course(looks(1), lambda one: one.lag) == (1.3, 1.3, 1.3, 1.3, 0.0)


def event(state: str = "open", at: str = "1970-01-01T00:17:02.000000+0000", **ours: Any) -> dict[str, Any]:
    details = {"incident_id": "a", "state": state, "category": "Recon", **ours}
    ends = {"src_ip": "198.18.0.3", "dest_ip": "192.168.200.3"}
    return {"timestamp": at, **ends, "alert": {"severity": 1}, "iotids": details}


METRICS = """
iotids_packets_total{iface="watched"} 890
iotids_packets_ignored_total{iface="watched",reason="not_ip"} 2
iotids_packets_dropped_total{iface="watched",stage="kernel"} 10
iotids_packets_dropped_total{iface="watched",stage="interface"} 0
iotids_packets_dropped_total{iface="watched",stage="meter"} 1
iotids_packets_dropped_total{iface="watched",stage="shed"} 7
iotids_alerts_total{category="Recon",severity="1"} 2
iotids_sink_errors_total{sink="file"} 1
iotids_sink_errors_total{sink="webhook"} 1
"""


def ended(**changes: Any) -> Result:
    """Return a run that went as it should, but for the changes."""
    alerts = [event(), event("close")]
    faults = (Fault("disk full", 5, 9), Fault("receiver gone", 5, 9), Fault("interface down", 40, 43))
    usual = Result(
        plan=Plan((ATTACK,), faults),
        secs=100,
        epoch=1000.0,
        sent=1000,
        plug=Counts(0, 0, 900, 30),
        watched=Counts(900, 0, 0, 0),
        samples=looks(up=lambda at: not 41 <= at <= 44),
        metrics=Metrics.parse(METRICS),
        alerts=alerts,
        torn=1,
        taken={name_of(each): 2 for each in alerts},
        reloads={"good": 2, "bad": 1},
        beats=[float(at) for at in range(100)],
        log="Reloaded: a\nReloaded: b\nNot reloaded, all is as it was: c\n",
        settled=True,
        stop_secs=0.4,
    )
    return usual._replace(**changes)


def failed(**changes: Any) -> list[str]:
    return [check.what for check in checks(ended(**changes)) if not check.good]


def test_a_run_that_went_well_passes() -> None:
    result = ended()
    assert failed() == []
    assert "memory is flat" not in {check.what for check in checks(result)}  # too short to say so
    assert failed(samples=looks(up=lambda at: not 41 <= at < 45, lag=lambda at: 1 + at / 50)) == []
    assert found(ATTACK, result) == 2.0
    assert packet_terms(result) == {
        "sent": 1000,
        "sent by the kernel": 0,
        "into no carrier": 70,
        "dropped by the cable": 30,
        "received by the interface": 900,
        "dropped by the kernel": 10,
        "read": 890,
        "ignored": 2,
        "shed": 7,
        "no memory": 1,
        "metered": 880,
    }
    judged = checks(result)
    assert json.loads(json.dumps(figures(result, judged)))["attacks"][0]["opened_after_secs"] == 2.0
    assert "port scan" in show(result, judged)
    assert "NOT SO" not in show(result, judged)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"samples": looks(1200, rss_mb=lambda at: 200 + at / 60)}, "memory is flat"),
        ({"samples": looks(handles=lambda at: 7 + at // 20)}, "handles are flat"),
        ({"samples": looks(threads=lambda at: 9 + at // 20)}, "threads are flat"),
        ({"samples": looks(1200, lag=lambda at: 1 + at / 600)}, "lag is flat"),
        ({"samples": looks(lag=3.0)}, "lag is flat"),
        ({"alerts": [event(category="DoS"), event("close")]}, "every attack is found"),
        ({"alerts": [event(at="1970-01-01T00:17:32.000000+0000"), event("close")]}, "every attack is found"),
        ({"watched": Counts(899, 0, 0, 0)}, "every packet is accounted for"),
        ({"watched": Counts(899, 0, 0, 0)}, "what was sent was received"),
        ({"watched": Counts(901, 0, 0, 0)}, "every packet is accounted for"),
        ({"plan": Plan((ATTACK,), ())}, "what was sent was received"),
        ({"sent": 900}, "what was sent was received"),
        ({"settled": False}, "it comes to rest"),
        ({"alerts": [event()]}, "every alert reaches the file"),
        ({"alerts": [event(), event()]}, "every alert reaches the file"),
        ({"taken": {"a open": 1}}, "every alert reaches the webhook"),
        ({"torn": 2}, "only a full disk breaks lines off"),
        ({"samples": looks()}, "an interface that is down is noticed"),
        ({"samples": looks(up=lambda at: at < 41)}, "an interface that is back is noticed"),
        ({"reloads": {"good": 3, "bad": 1}}, "every reload is told"),
        ({"beats": [0.0, 10.0]}, "the heart beats"),
        ({"beats": []}, "the heart beats"),
        ({"log": ended().log + "Traceback"}, "it ends as asked"),
        ({"stop_secs": 3.5}, "it ends as asked"),
    ],
)
def test_whatever_is_wrong_is_said(changes: dict[str, Any], what: str) -> None:
    assert what in failed(**changes)


def post(receiver: Receiver, told: dict[str, Any], secs: float = 1.0) -> int:
    asked = Request(f"http://127.0.0.1:{receiver.port}/", json.dumps(told).encode(), method="POST")
    with urlopen(asked, timeout=secs) as answer:  # noqa: S310 - its own receiver
        return int(answer.status)


def test_a_receiver_can_go_and_hang_and_come_back() -> None:
    receiver = Receiver()
    try:
        assert post(receiver, event()) == 204
        receiver.answering.clear()
        with pytest.raises(TimeoutError):
            post(receiver, event("close"), 0.2)
        receiver.answering.set()
        receiver.close()
        with pytest.raises(URLError):
            post(receiver, event("close"))
        receiver.open()
        assert post(receiver, event("close")) == 204
    finally:
        receiver.close()
    assert receiver.taken == {name_of(event()): 1, name_of(event("close")): 1}


def test_troubles_are_made_and_mended(tmp_path: Path) -> None:
    sent: list[signal.Signals] = []
    subject = cast("Subject", SimpleNamespace(process=SimpleNamespace(send_signal=sent.append)))
    receiver, manager = Receiver(), cast("Listener", None)
    stage = Stage(subject, receiver, manager, tmp_path, tmp_path / "iotids.toml", tmp_path / "stderr")
    troubles = Troubles(stage)
    (tmp_path / "alerts.json").write_text(json.dumps(event()) + "\n{broken off\n")
    for kind in ("process stopped", "reload", "bad reload", "file rotated", "receiver gone"):
        troubles.make(Fault(kind, 0, 1))
        troubles.mend(Fault(kind, 0, 1))
    assert post(receiver, event()) == 204
    receiver.close()
    (tmp_path / "alerts.json").write_text(json.dumps(event("close")) + "\n")
    hangup = signal.SIGHUP
    assert sent == [signal.SIGSTOP, signal.SIGCONT, hangup, hangup, hangup, hangup]
    assert troubles.reloads == {"good": 3, "bad": 1}
    whole, torn = stage.alerts()
    assert [each["iotids"]["state"] for each in whole] == ["close", "open"]
    assert torn == 1
