from collections import Counter
from typing import Any

import pytest

from detector.incidents import Incidents
from detector.records import Alert, Category, Role, Verdict
from tests.detector.incidents.samples import DIGEST, SOURCES, START_MS, A, V, config, told, verdict

BENIGN, DDOS, DOS, RECON = Category
SOURCE, TARGET = Role
B = "10.0.0.77"


def incidents(**options: Any) -> Incidents:
    return Incidents(config(**options), DIGEST, SOURCES)


def windows(
    category: Category, host: str = A, role: Role = SOURCE, *, count: int = 3, at_ms: int = 0, **named: Any
) -> list[Verdict]:
    """`count` verdicts on one host, 250 ms apart."""
    return [verdict(category, host, role, at_ms + 250 * n, **named) for n in range(count)]


def at(alert: Alert) -> int:
    return alert.time_ms - START_MS


def test_an_incident_opens_when_enough_of_the_last_windows_agree() -> None:
    watch = incidents()
    categories = [
        RECON,
        BENIGN,
        RECON,
        BENIGN,
        BENIGN,
        RECON,
        RECON,
    ]  # the first is too long ago for the sixth
    opened = [watch.update([verdict(name, at_ms=250 * n)]) for n, name in enumerate(categories)]
    assert [told(alerts) for alerts in opened] == [[]] * 6 + [[f"Recon open {A}"]]
    assert at(opened[-1][0]) == 1500


def test_an_incident_reports_all_windows_that_opened_it() -> None:
    (alert,) = incidents().update(
        [*windows(RECON, count=1, confidence=0.99, ports=9), *windows(RECON, count=2, at_ms=250, ports=30)]
    )
    assert (alert.first_ms, alert.confidence) == (START_MS - 1000, 0.99)
    assert alert.event["iotids"]["ports"] == 30


def test_windows_of_two_categories_hosts_or_roles_do_not_agree() -> None:
    watch = incidents()
    assert watch.update([*windows(RECON, count=2), *windows(DOS, count=2)]) == []
    assert watch.update([*windows(RECON, B, count=2), *windows(RECON, V, TARGET, peer=B, count=2)]) == []
    assert (
        watch.update([*windows(RECON, "10.0.0.1", count=2), *windows(RECON, "10.0.0.1", count=2, source=1)])
        == []
    )


def test_a_long_scan_is_one_incident_with_rare_updates() -> None:
    watch = incidents(update_interval_secs=60)
    alerts = watch.update(windows(RECON, count=1000))  # 250 s
    alerts += watch.close(START_MS + 250_000)
    states = [(alert.state.value, at(alert)) for alert in alerts]
    assert states == [
        ("open", 500),
        ("update", 60_500),
        ("update", 120_500),
        ("update", 180_500),
        ("update", 240_500),
        ("close", 250_000),
    ]
    assert len({alert.event["iotids"]["incident_id"] for alert in alerts}) == 1


def test_there_is_no_update_without_new_evidence() -> None:
    watch = incidents(update_interval_secs=10)
    watch.update(windows(RECON))
    assert watch.update(windows(BENIGN, at_ms=20_000)) == []
    assert watch.advance(START_MS + 50_000) == []


def test_an_incident_closes_when_its_evidence_ends_however_late_that_is_noticed() -> None:
    watch = incidents(close_after_secs=60)
    watch.update(windows(RECON))
    assert watch.advance(START_MS + 60_499) == []
    (closed,) = watch.advance(START_MS + 99_000)
    assert (told([closed]), at(closed)) == ([f"Recon close {A}"], 60_500)
    assert watch.advance(START_MS + 200_000) == []


def test_a_quiet_incident_closes_while_an_older_one_goes_on() -> None:
    watch = incidents(close_after_secs=60)
    watch.update(windows(RECON) + windows(RECON, B, at_ms=500) + windows(RECON, at_ms=50_000))
    (closed,) = watch.advance(START_MS + 61_000)
    assert told([closed]) == [f"Recon close {B}"]


def test_a_verdict_closes_what_was_due_before_it() -> None:
    watch = incidents(close_after_secs=60)
    watch.update(windows(RECON))
    assert told(watch.update(windows(RECON, at_ms=60_500))) == [f"Recon close {A}", f"Recon open {A}"]


def test_old_windows_do_not_open_an_incident_again() -> None:
    watch = incidents(close_after_secs=60)
    watch.update(windows(RECON))
    assert told(watch.update(windows(RECON, at_ms=70_000, count=2))) == [f"Recon close {A}"]


def test_a_scan_seen_from_both_ends_is_one_incident() -> None:
    watch = incidents()
    both = [
        window
        for pair in zip(windows(RECON, count=20), windows(RECON, V, TARGET, peer=A, count=20), strict=True)
        for window in pair
    ]
    assert told(watch.update(both)) == [f"Recon open {A}"]
    assert told(incidents().update(both[::-1][1::2])) == [f"Recon open {A}"]  # the target's windows alone


def test_a_sweep_is_about_its_scanner_and_a_distributed_scan_about_its_target() -> None:
    (sweep,) = incidents().update(windows(RECON, peers=32, top_peer_flows=1, ports=1))
    (distributed,) = incidents().update(windows(RECON, V, TARGET, peer=A, peers=32, top_peer_flows=1))
    assert (sweep.attacker, sweep.victim) == (A, "32 hosts")
    assert (distributed.attacker, distributed.victim) == ("32 sources", V)


def test_a_window_names_the_scanner_that_most_windows_name() -> None:
    watch = incidents()
    mixed = windows(RECON, V, TARGET, peer=A, count=2) + windows(RECON, V, TARGET, peer=B, at_ms=500, count=1)
    assert told(watch.update(mixed)) == [f"Recon open {A}"]


def test_without_a_majority_the_scanned_host_is_the_subject() -> None:
    scanners = [A, B, "10.0.0.88"]
    mixed = [verdict(RECON, V, TARGET, at_ms=250 * n, peer=peer) for n, peer in enumerate(scanners)]
    (alert,) = incidents().update(mixed)
    assert told([alert]) == [f"Recon open {V}"]
    assert alert.event["iotids"]["role"] == "target"
    assert told(incidents(open_after=2).update(mixed[:2])) == [f"Recon open {V}"]  # half is no majority


def test_a_distributed_scan_takes_in_what_its_scanners_show() -> None:
    watch = incidents()
    watch.update(windows(RECON, V, TARGET, peer=A, peers=32, top_peer_flows=1))
    assert watch.update(windows(RECON, at_ms=250, count=10)) == []


def test_a_second_scanner_of_the_same_target_is_a_second_incident() -> None:
    watch = incidents()
    watch.update(windows(RECON, V, TARGET, peer=A, count=10))
    assert told(watch.update(windows(RECON, V, TARGET, peer=B, at_ms=2500, count=10))) == [f"Recon open {B}"]


@pytest.mark.parametrize("category", [DOS, DDOS])
def test_a_flood_seen_from_its_source_is_about_the_victim(category: Category) -> None:
    (alert,) = incidents().update(windows(category))
    assert told([alert]) == [f"DoS open {V}"]
    assert alert.event["iotids"]["role"] == "target"


def test_a_flood_seen_from_both_ends_is_one_incident() -> None:
    watch = incidents()
    watch.update(windows(DOS, V, TARGET, peer=A))
    assert watch.update(windows(DDOS, at_ms=250, count=10)) == []


def test_one_source_that_floods_many_hosts_is_the_subject_and_their_windows_belong_to_it() -> None:
    watch = incidents()
    (alert,) = watch.update(windows(DOS, peers=9, top_peer_flows=4))
    assert (alert.attacker, alert.victim, told([alert])) == (A, "9 hosts", [f"DoS open {A}"])
    assert watch.update(windows(DOS, V, TARGET, peer=A, at_ms=750, count=10)) == []


def test_dos_verdicts_belong_to_the_victims_open_ddos() -> None:
    watch = incidents()
    watch.update(windows(DDOS, V, TARGET, peer=A, peers=32, top_peer_flows=1))
    assert watch.update(windows(DOS, V, TARGET, peer=A, at_ms=750, count=5)) == []
    assert watch.update(windows(DOS, at_ms=750, count=5)) == []
    assert watch.suppressed["part_of_ddos"] == 10
    assert watch.advance(START_MS + 61_000) == []  # they were evidence all the same


def test_a_dos_that_turns_out_to_be_ddos_is_replaced() -> None:
    watch = incidents()
    (dos,) = watch.update(windows(DOS, V, TARGET, peer=A))
    closed, ddos = watch.update(windows(DDOS, V, TARGET, peer=A, at_ms=5000, peers=32, top_peer_flows=1))
    assert told([closed, ddos]) == [f"DoS close {V}", f"DDoS open {V}"]
    assert at(closed) == at(ddos) == 5500
    assert ddos.event["iotids"]["replaces"] == dos.event["iotids"]["incident_id"]
    assert ddos.first_ms == dos.first_ms
    assert watch.open_count == Counter({DDOS: 1, DOS: 0, RECON: 0})


def test_an_uncertain_ddos_does_not_replace_a_dos() -> None:
    watch = incidents()
    watch.update(windows(DOS, V, TARGET, peer=A))
    assert watch.update(windows(DDOS, V, TARGET, peer=A, at_ms=5000, uncertain=True, count=5)) == []


def test_uncertain_windows_open_an_incident_of_low_severity() -> None:
    watch = incidents()
    uncertain = windows(RECON, confidence=0.4, uncertain=True, count=2)
    (alert,) = watch.update([*uncertain, *windows(RECON, at_ms=500, count=1)])
    assert (told([alert]), alert.severity) == ([f"Recon open {A}"], 3)


def test_a_severity_that_rises_is_told_at_once_and_does_not_fall() -> None:
    watch = incidents(open_within=10)
    watch.update(windows(RECON, uncertain=True))
    (raised,) = watch.update(windows(RECON, at_ms=750, count=6))
    assert (told([raised]), raised.severity, at(raised)) == ([f"Recon update {A}"], 2, 1250)
    watch.update(windows(RECON, at_ms=2250, uncertain=True, count=20))
    (closed,) = watch.close(START_MS + 9000)
    assert closed.severity == 2


def test_uncertain_windows_are_counted_and_no_more_where_nobody_wants_them() -> None:
    watch = incidents(alert_on_uncertain=False)
    assert watch.update(windows(RECON, uncertain=True, count=9)) == []
    assert watch.suppressed == Counter({"uncertain": 9, "allowed": 0, "max_open": 0, "part_of_ddos": 0})


def test_an_allowed_attacker_is_counted_and_no_more() -> None:
    watch = incidents(allow=(f"{A} Recon",))
    assert watch.update(windows(RECON) + windows(RECON, V, TARGET, peer=A)) == []
    assert watch.suppressed["allowed"] == 6
    assert told(watch.update(windows(RECON, B, at_ms=1000))) == [f"Recon open {B}"]
    assert told(watch.update(windows(DOS, at_ms=2000))) == [f"DoS open {V}"]


def test_more_incidents_than_may_be_open_are_counted_and_no_more() -> None:
    watch = incidents(max_open=1)
    watch.update(windows(RECON))
    assert watch.update(windows(RECON, B)) == []
    assert watch.suppressed["max_open"] == 1
    assert watch.open_count[RECON] == 1
    watch.advance(START_MS + 61_000)
    assert told(watch.update(windows(RECON, B, at_ms=61_000))) == [f"Recon open {B}"]


def test_a_dos_can_become_ddos_though_no_more_incident_may_be_open() -> None:
    watch = incidents(max_open=1)
    watch.update(windows(DOS, V, TARGET, peer=A))
    alerts = watch.update(windows(DDOS, V, TARGET, peer=A, at_ms=5000))
    assert told(alerts) == [f"DoS close {V}", f"DDoS open {V}"]


def test_hosts_under_suspicion_are_bounded_and_evictions_counted() -> None:
    watch = incidents(max_open=1)
    watch.update([verdict(RECON, f"10.1.{n // 256}.{n % 256}", at_ms=n) for n in range(1000)])
    assert (len(watch._votes), watch.suppressed["forgotten"]) == (64, 936)


def test_the_end_of_the_input_closes_all_and_the_next_may_be_of_any_time() -> None:
    watch = incidents()
    first = watch.update(windows(RECON, at_ms=1_000_000) + windows(RECON, B, at_ms=1_000_001))
    closed = watch.close(START_MS + 1_002_000)
    assert told(closed) == [f"Recon close {A}", f"Recon close {B}"]
    assert [at(alert) for alert in closed] == [1_002_000, 1_002_000]
    assert watch.close(START_MS + 1_002_000) == []
    again = watch.update(windows(RECON))
    assert at(again[0]) == 500
    assert again[0].event["iotids"]["incident_id"] != first[0].event["iotids"]["incident_id"]


def test_what_was_due_before_the_end_of_the_input_closes_when_it_was_due() -> None:
    watch = incidents(close_after_secs=60)
    watch.update(windows(RECON))
    (closed,) = watch.close(START_MS + 900_000)
    assert at(closed) == 60_500


def test_a_source_may_be_added_while_verdicts_come() -> None:
    sources = list(SOURCES)
    watch = Incidents(config(), DIGEST, sources)
    sources.append(type(SOURCES[0])("second.pcap", live=False))
    (alert,) = watch.update(windows(RECON, source=2))
    assert alert.event["pcap_filename"] == "second.pcap"


class TestExplained:
    """What an open incident says already need not be asked so often."""

    def test_windows_of_an_open_incident_are(self) -> None:
        watch = incidents()
        watch.update([*windows(RECON), verdict(RECON, at_ms=800), verdict(BENIGN, B, at_ms=900)])
        assert watch.explained == [False, False, False, True, False]
        watch.update([verdict(RECON, at_ms=1000)])
        assert watch.explained == [True]

    def test_uncertain_ones_are_not(self) -> None:
        watch = incidents()
        watch.update([*windows(RECON), verdict(RECON, at_ms=800, uncertain=True)])
        assert watch.explained == [False] * 4

    def test_nor_those_of_an_uncertain_incident(self) -> None:
        watch = incidents(open_within=3)
        watch.update([*windows(RECON, uncertain=True), verdict(RECON, at_ms=800, uncertain=True)])
        assert watch.explained == [False] * 4

    def test_a_dos_that_may_turn_out_to_be_a_ddos_is_looked_at(self) -> None:
        watch = incidents()
        watch.update(windows(DOS, V, TARGET, peer=A))
        watch.update([verdict(DDOS, V, TARGET, at_ms=800, peer=B)])
        assert watch.explained == [False]

    def test_a_dos_within_a_ddos_is(self) -> None:
        watch = incidents()
        watch.update(windows(DDOS, V, TARGET, peer=A))
        watch.update([verdict(DOS, V, TARGET, at_ms=800, peer=B)])
        assert watch.explained == [True]


def test_another_configuration_holds_from_now_on_and_what_is_open_goes_on() -> None:
    watch = incidents(open_after=3)
    (opened,) = watch.update(windows(RECON))
    watch.update(windows(RECON, B, count=1))
    watch.adopt(config(open_after=2, allow=(f"{V} DoS",)), "sha256:11")
    (second,) = watch.update(windows(RECON, B, count=1, at_ms=1000))
    assert second.event["iotids"]["bundle"] == "sha256:11"
    assert watch.open_count[RECON] == 2
    closed = watch.close(START_MS + 5000)
    assert closed[0].event["iotids"]["incident_id"] == opened.event["iotids"]["incident_id"]
