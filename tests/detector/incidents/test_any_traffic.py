"""What holds for any sequence of verdicts whatever, from hypothesis."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from detector.config import IncidentConfig
from detector.incidents import Incidents
from detector.records import CATEGORIES, Alert, Category, Role, State, Verdict
from tests.detector.incidents.samples import DIGEST, SOURCES, START_MS, config, verdict

HOSTS = [f"10.0.0.{n}" for n in range(1, 5)]
END_MS = START_MS + 10_000_000
FLOODS = {Category.DOS, Category.DDOS}


@st.composite
def traffic(draw: st.DrawFn) -> list[Verdict]:
    """Runs of verdicts on few hosts, so that they agree now and then."""
    found: list[Verdict] = []
    at_ms = 0
    for _ in range(draw(st.integers(0, 12))):
        host, peer = draw(st.permutations(HOSTS).map(lambda hosts: hosts[:2]))
        role = draw(st.sampled_from(Role))
        category = draw(st.sampled_from(CATEGORIES))
        counts = {"top_peer_flows": draw(st.sampled_from([32, 20, 3])), "source": draw(st.integers(0, 1))}
        for _ in range(draw(st.integers(1, 5))):
            at_ms += draw(st.sampled_from([0, 250, 2_000, 15_000]))
            uncertain = category is not Category.BENIGN and draw(st.booleans())
            found.append(verdict(category, host, role, at_ms, peer, uncertain=uncertain, **counts))
    return found


configs = st.builds(
    lambda within, after, **options: config(open_within=within, open_after=min(after, within), **options),
    within=st.integers(1, 4),
    after=st.integers(1, 3),
    close_after_secs=st.sampled_from([1.0, 10.0]),
    update_interval_secs=st.sampled_from([1.0, 5.0]),
    max_open=st.integers(1, 4),
    alert_on_uncertain=st.booleans(),
    allow=st.sampled_from([(), (f"{HOSTS[0]} Recon",), (HOSTS[1],)]),
)


def run(config: IncidentConfig, verdicts: list[Verdict]) -> list[Alert]:
    incidents = Incidents(config, DIGEST, SOURCES)
    return incidents.update(verdicts) + incidents.close(END_MS)


def details(alert: Alert) -> dict[str, Any]:
    found: dict[str, Any] = alert.event["iotids"]
    return found


def open_at_once(alerts: Iterable[Alert]) -> Iterable[list[dict[str, Any]]]:
    """After each alert, what is open; fails unless each incident opens once, then closes once."""
    found: dict[str, dict[str, Any]] = {}
    closed = set()
    for alert in alerts:
        told = details(alert)
        name = told["incident_id"]
        assert name not in closed
        assert (name in found) is (alert.state is not State.OPEN)
        found[name] = told
        if alert.state is State.CLOSE:
            closed.add(name)
            del found[name]
        yield list(found.values())
    assert found == {}


@given(configs, traffic())
def test_every_open_has_its_close_and_no_subject_has_two_of_a_kind(
    config: IncidentConfig, verdicts: list[Verdict]
) -> None:
    for found in open_at_once(run(config, verdicts)):
        kinds = Counter((told["subject_ip"], told["role"], told["category"]) for told in found)
        floods = Counter(
            told["subject_ip"] for told in found if told["role"] == "target" and told["category"] in FLOODS
        )
        assert {*kinds.values(), *floods.values()} <= {1}
        assert len(found) <= config.max_open


@given(configs, traffic())
def test_alerts_come_in_order_of_packet_time(config: IncidentConfig, verdicts: list[Verdict]) -> None:
    alerts = run(config, verdicts)
    times = [alert.time_ms for alert in alerts]
    assert times == sorted(times)
    assert all(details(alert)["first_seen"] <= alert.event["timestamp"] for alert in alerts)


@given(configs, traffic(), st.data())
def test_neither_grouping_nor_ticks_change_a_byte(
    config: IncidentConfig, verdicts: list[Verdict], data: st.DataObject
) -> None:
    whole = run(config, verdicts)
    incidents = Incidents(config, DIGEST, SOURCES)
    grouped: list[Alert] = []
    for one in verdicts:
        if data.draw(st.booleans()):
            grouped += incidents.advance(
                int(one.facts["time_ms"]) - data.draw(st.sampled_from([0, 100, 9_000]))
            )
        grouped += incidents.update([one])
    grouped += incidents.advance(END_MS) + incidents.close(END_MS)
    assert [orjson.dumps(alert.event) for alert in grouped] == [orjson.dumps(alert.event) for alert in whole]


@given(configs, traffic())
def test_counts_are_true_and_memory_is_bounded(config: IncidentConfig, verdicts: list[Verdict]) -> None:
    incidents = Incidents(config, DIGEST, SOURCES)
    expected: Counter[Category] = Counter()
    for one in verdicts:
        for alert in incidents.update([one]):
            expected[alert.category] += {State.OPEN: 1, State.UPDATE: 0, State.CLOSE: -1}[alert.state]
        assert incidents.open_count == expected
        assert incidents.open_count.total() == len(incidents._open) <= config.max_open
        assert len(incidents._votes) <= 2 * len(Role) * len(HOSTS)
    incidents.close(END_MS)
    assert incidents.open_count.total() == len(incidents._open) == len(incidents._votes) == 0


@given(configs, traffic())
def test_benign_windows_alone_raise_nothing(config: IncidentConfig, verdicts: list[Verdict]) -> None:
    benign = [
        Verdict(Category.BENIGN, 0.9, one.probabilities, uncertain=False, facts=one.facts) for one in verdicts
    ]
    assert run(config, benign) == []
