"""The numbers: totals taken over, observations counted, known series at 0 from the start."""

from collections import Counter
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import __version__
from detector.metrics import families
from detector.metrics.families import FAMILIES, Family
from detector.metrics.record import Histogram, Labels, Record
from detector.records import CATEGORIES, FACTS_DTYPE, Alert, Category, Expiry, State, Verdict

FACTS = np.zeros(1, FACTS_DTYPE)[0]


def value(record: Record, family: Family, *labels: str) -> float:
    return record.values()[family][labels]


def series(record: Record, family: Family) -> dict[Labels, float]:
    return record.values()[family]


def verdict(category: Category, confidence: float = 0.9, *, uncertain: bool = False) -> Verdict:
    return Verdict(category, confidence, (0.0, 0.0, 0.0, 0.0), uncertain, FACTS)


def alert(
    state: State, category: Category = Category.RECON, *, latency_ms: int = 0, severity: int = 2
) -> Alert:
    return Alert(state, category, severity, 0.9, 10_000 + latency_ms, 10_000, "a", "b", "c", {})


# Known labels exist from the start, so that a rate over the first event is not missed.


def test_build_info_tells_the_version() -> None:
    assert series(Record(), families.BUILD_INFO) == {(__version__,): 1.0}


@pytest.mark.parametrize(
    ("family", "labels"),
    [
        (families.FLOWS, {("idle",), ("active",), ("closed",), ("evicted",), ("flushed",)}),
        (families.VERDICTS, {("Benign",), ("DDoS",), ("DoS",), ("Recon",)}),
        (families.OPEN_INCIDENTS, {("DDoS",), ("DoS",), ("Recon",)}),
        (
            families.ALERTS,
            {("DDoS", "1"), ("DDoS", "3"), ("DoS", "1"), ("DoS", "3"), ("Recon", "2"), ("Recon", "3")},
        ),
    ],
)
def test_known_labels_start_at_zero(family: Family, labels: set[Labels]) -> None:
    assert series(Record(), family) == dict.fromkeys(labels, 0.0)


def test_series_without_labels_start_at_zero() -> None:
    values = Record().values()
    assert values.pop(families.CONFIG_RELOADED) == {(): 1.0}  # what runs is what was read
    assert all(values[family] == {(): 0.0} for family in values if not family.labels)


def test_nothing_is_told_of_an_interface_that_was_not_opened() -> None:
    values = Record().values()
    assert all(not values[family] for family in values if "iface" in family.labels)


def test_an_interface_starts_at_zero() -> None:
    record = Record()
    record.open_capture("eth0", ignored=["not_ip"])
    assert value(record, families.CAPTURE_UP, "eth0") == 1
    assert value(record, families.PACKETS, "eth0") == 0
    assert {stage for _, stage in series(record, families.PACKETS_DROPPED)} == {
        "kernel",
        "interface",
        "meter",
        "shed",
    }
    assert series(record, families.PACKETS_IGNORED) == {("eth0", "not_ip"): 0.0}


# Totals.


def test_capture_totals() -> None:
    record = Record()
    record.open_capture("eth0")
    dropped, ignored = {"kernel": 5, "interface": 6, "meter": 7}, Counter(not_ip=8)
    record.set_capture(
        "eth0", packets=99, last_packet_ms=1_700_000_000_250, dropped=dropped, ignored=ignored, restamped=4
    )
    assert value(record, families.PACKETS, "eth0") == 99
    assert value(record, families.PACKETS_DROPPED, "eth0", "interface") == 6
    assert value(record, families.PACKETS_IGNORED, "eth0", "not_ip") == 8
    assert value(record, families.PACKETS_RESTAMPED, "eth0") == 4
    assert value(record, families.LAST_PACKET, "eth0") == 1_700_000_000.25


def test_a_refused_reload_is_told_until_one_is_taken() -> None:
    record = Record()
    record.set_reload(1000.5)
    record.set_reload(None)
    assert value(record, families.CONFIG_RELOADED) == 0
    assert value(record, families.CONFIG_RELOAD_TIME) == 1000.5


def test_the_paths_time_is_in_seconds() -> None:
    record = Record()
    record.set_path(1_700_000_000_250)
    assert value(record, families.PATH_TIME) == 1_700_000_000.25


def test_before_the_first_packet_its_time_is_zero() -> None:
    record = Record()
    record.set_capture("eth0", packets=0, last_packet_ms=-1, dropped={}, ignored={})
    assert value(record, families.LAST_PACKET, "eth0") == 0


def test_a_closed_interface_keeps_its_totals() -> None:
    record = Record()
    record.open_capture("eth0")
    record.set_capture("eth0", packets=99, last_packet_ms=1, dropped={}, ignored={})
    record.close_capture("eth0")
    assert value(record, families.CAPTURE_UP, "eth0") == 0
    record.open_capture("eth0")
    assert value(record, families.CAPTURE_UP, "eth0") == 1
    assert value(record, families.PACKETS, "eth0") == 99


def test_flow_totals() -> None:
    record = Record()
    record.set_flows(Counter({Expiry.IDLE: 3}), active=2, dropped={("features", "not_finite"): 1})
    record.set_flows(Counter({Expiry.IDLE: 4, Expiry.EVICTED: 1}), active=0)
    assert value(record, families.FLOWS, "idle") == 4
    assert value(record, families.FLOWS, "evicted") == 1
    assert value(record, families.ACTIVE_FLOWS) == 0
    assert value(record, families.FLOWS_DROPPED, "features", "not_finite") == 1


def test_window_totals() -> None:
    record = Record()
    record.set_windows(hosts=7, evictions=8, shed={"budget": 9, "pressure": 10})
    assert value(record, families.WINDOW_HOSTS) == 7
    assert value(record, families.WINDOW_EVICTIONS) == 8
    assert value(record, families.WINDOWS_SHED, "budget") == 9
    assert value(record, families.WINDOWS_SHED, "pressure") == 10


def test_a_queue_says_how_full_it_is() -> None:
    record = Record()
    record.set_queue("flows", length=3, capacity=100)
    assert value(record, families.QUEUE_LENGTH, "flows") == 3
    assert value(record, families.QUEUE_CAPACITY, "flows") == 100


def test_incident_totals_fall_back_to_zero() -> None:
    record = Record()
    record.set_incidents(Counter({Category.DOS: 2}), Counter(allowed=1))
    record.set_incidents(Counter(), Counter(allowed=5))
    assert set(series(record, families.OPEN_INCIDENTS).values()) == {0.0}
    assert value(record, families.ALERTS_SUPPRESSED, "allowed") == 5


def test_drift_is_told_once_there_is_some() -> None:
    record = Record()
    assert series(record, families.FEATURE_DRIFT) == {}
    record.set_drift({"tcp": 0.3, "udp": 0.0}, 1)
    assert series(record, families.FEATURE_DRIFT) == {("tcp",): 0.3, ("udp",): 0.0}
    assert value(record, families.DRIFTING_FEATURES) == 1


def test_a_sink_that_is_down_and_what_it_never_got() -> None:
    record = Record()
    record.set_sink("mqtt", up=True, dropped={"queue_full": 0})
    record.set_sink("mqtt", up=False, dropped={"queue_full": 3})
    assert record.values()[families.SINK_UP] == {("mqtt",): 0}
    assert record.values()[families.ALERTS_DROPPED] == {("mqtt", "queue_full"): 3}


def test_sink_errors() -> None:
    record = Record()
    record.set_sink_errors(Counter({"file": 0, "log": 2}))
    assert series(record, families.SINK_ERRORS) == {("file",): 0.0, ("log",): 2.0}


def test_only_the_bundle_in_use_is_told() -> None:
    record = Record()
    record.set_bundle("first", "sha256:1")
    record.set_bundle("second", "sha256:2")
    assert series(record, families.BUNDLE_INFO) == {("sha256:2", "second"): 1.0}


# Observations.


def test_verdicts() -> None:
    record = Record()
    record.observe_verdicts([verdict(Category.BENIGN), verdict(Category.DOS, 0.5, uncertain=True)])
    record.observe_verdicts([verdict(Category.BENIGN, 1.0)])
    assert value(record, families.VERDICTS, "Benign") == 2
    assert value(record, families.VERDICTS, "DoS") == 1
    assert value(record, families.UNCERTAIN) == 1
    counts, total = record.histograms()[families.CONFIDENCE][("Benign",)]
    assert sum(counts) == 2
    assert total == pytest.approx(1.9)


def test_scoring_counts_windows_and_times_batches() -> None:
    record = Record()
    record.observe_scoring(10, 0.02)
    record.observe_scoring(5, 0.04)
    assert value(record, families.WINDOWS_SCORED) == 15
    counts, total = record.histograms()[families.SCORING_SECONDS][()]
    assert sum(counts) == 2
    assert total == pytest.approx(0.06)


def test_every_alert_counts_and_every_opening_tells_its_latency() -> None:
    record = Record()
    record.observe_alerts([alert(State.OPEN, latency_ms=750), alert(State.UPDATE, latency_ms=60_000)])
    record.observe_alerts([alert(State.CLOSE, latency_ms=90_000)])
    assert value(record, families.ALERTS, "Recon", "2") == 3
    counts, total = record.histograms()[families.DETECTION_LATENCY][()]
    assert sum(counts) == 1
    assert total == 0.75


def test_an_unforeseen_severity_is_counted_too() -> None:
    record = Record()
    record.observe_alerts([alert(State.OPEN, severity=9)])
    assert value(record, families.ALERTS, "Recon", "9") == 1


def test_snapshots_do_not_change_afterwards() -> None:
    record = Record()
    values, histograms = record.values(), record.histograms()
    record.observe_scoring(1, 0.1)
    assert values[families.WINDOWS_SCORED][()] == 0
    assert sum(histograms[families.SCORING_SECONDS][()][0]) == 0


@given(st.lists(st.floats(0, 2)), st.lists(st.floats(0.1, 1), min_size=1, unique=True).map(sorted))
def test_a_histogram_counts_what_is_at_most_each_bound(seen: list[float], bounds: list[float]) -> None:
    histogram = Histogram(tuple(bounds))
    for one in seen:
        histogram.observe(one)
    at_most = np.cumsum(histogram.counts).tolist()
    assert at_most == [sum(one <= bound for one in seen) for bound in (*bounds, np.inf)]
    assert histogram.total == pytest.approx(sum(seen))


@given(st.lists(st.lists(st.sampled_from(CATEGORIES))))
def test_batches_may_be_cut_anywhere(batches: list[list[Category]]) -> None:
    cut, whole = Record(), Record()
    for batch in batches:
        cut.observe_verdicts([verdict(category) for category in batch])
    whole.observe_verdicts([verdict(category) for batch in batches for category in batch])
    assert cut.values() == whole.values()


def test_a_scrape_may_come_at_any_time() -> None:
    record = Record()
    snapshots: list[dict[Family, dict[Labels, float]]] = []
    scraper = Thread(target=lambda: snapshots.extend(record.values() for _ in range(200)))
    scraper.start()
    for number in range(200):
        record.open_capture(f"eth{number}")
        record.observe_verdicts([verdict(Category.DOS)])
    scraper.join()
    seen = [snapshot[families.VERDICTS][("DoS",)] for snapshot in snapshots]
    assert len(seen) == 200
    assert seen == sorted(seen)


def test_every_family_has_its_place() -> None:
    record = Record()
    assert {*record.values(), *record.histograms()} == set(FAMILIES)
