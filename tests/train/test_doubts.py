from dataclasses import replace

from tests.train import samples
from train.doubts import find, unfit
from train.survey import Surveyed

QUIET = {"packets_1s": 20.0, "new_flows_1s": 2.0, "ports_1s": 2.0, "open_connections": 1.0}


def capture(name: str, category: str, **reached: float) -> Surveyed:
    told = QUIET | reached
    return Surveyed(name, "lab", category, 46, 365, 62.0, 2, None, told, told)


BENIGN = [capture(f"benign-{n}", "Benign", packets_1s=10.0 * n) for n in range(1, 101)]


def test_an_attack_that_does_what_benign_captures_do_is_doubted() -> None:
    (doubt,) = find([*BENIGN, capture("weak", "DoS", packets_1s=300.0)])
    assert (doubt.capture, doubt.category, doubt.flows) == ("weak", "DoS", 46)
    assert (doubt.evidence[0].quantity, doubt.evidence[0].value) == ("packets_1s", 300.0)
    assert doubt.evidence[0].benign_share == 0.71
    assert "weak: 46 flows, 365 packets in 62.0 s; packets_1s 300 (as 71% of benign captures)" in doubt.line()


def test_one_quantity_that_stands_out_is_enough() -> None:
    assert find([*BENIGN, capture("strong", "DoS", packets_1s=961.0)]) == []
    assert len(find([*BENIGN, capture("almost", "DoS", packets_1s=950.0)])) == 1
    assert find([*BENIGN, capture("slow", "DoS", open_connections=50.0)]) == []


def test_a_scan_is_seen_by_what_it_asks_and_not_by_its_packets() -> None:
    assert len(find([*BENIGN, capture("loud", "Recon", packets_1s=5000.0)])) == 1
    assert find([*BENIGN, capture("scan", "Recon", ports_1s=50.0)]) == []


def test_a_flood_is_seen_at_its_victim() -> None:
    sent = replace(capture("flood", "DDoS"), as_source={"packets_1s": 9e9})
    assert len(find([*BENIGN, sent])) == 1


def test_a_flood_from_one_source_is_not_distributed() -> None:
    strong = {"packets_1s": 9000.0, "pair_packets_1s": 8600.0}
    (doubt,) = find([*BENIGN, capture("alone", "DDoS", **strong)])
    assert doubt.alone
    assert "one source sends 95% or more of its busiest second" in doubt.line()
    assert find([*BENIGN, capture("alone", "DoS", **strong)]) == []
    assert find([*BENIGN, capture("many", "DDoS", **{**strong, "pair_packets_1s": 8500.0})]) == []


def test_there_is_nothing_to_doubt_in_other_captures_or_without_benign_ones() -> None:
    assert find([*BENIGN, capture("mix", "mixed"), capture("brute", "other")]) == []
    assert find([capture("weak", "DoS")]) == []


def test_what_is_doubted_is_not_learnt_from_unless_the_lab_made_it() -> None:
    survey = {one.capture: one for one in [*BENIGN, capture("weak", "DoS"), capture("lab/slow", "Recon")]}
    named = samples.entry("somebody", "DoS", "weak")
    known = samples.entry("lab", "Recon", "lab/slow").model_copy(update={"layout": "lab"})
    assert unfit([named, known, samples.entry("somebody", "DoS", "strong")], survey) == {"weak"}
