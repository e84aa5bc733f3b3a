import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from train.curves import Curve, Point
from train.doubts import Doubt, Evidence
from train.evaluate import Evaluation, QuietPart
from train.measures import Bin
from train.outcomes import CaptureOutcome, CurvePoint, capture_figures
from train.report import headline, lines, render, write_report, wrong_captures

pytestmark = pytest.mark.tensorflow


def outcome(category: str, *opened: str, capture: str = "") -> CaptureOutcome:
    return CaptureOutcome(capture or f"{category}.pcap", "lab", category, opened, ("DoS",), None)


OUTCOMES = [
    outcome("Benign"),
    outcome("Benign", "DoS", capture="<busy>.pcap"),
    CaptureOutcome("r.pcap", "lab", "Recon", ("Recon",), (), 1500, 1),
    outcome("DDoS"),
    outcome("other", "Recon", capture="brute.pcap"),
]
EVALUATION = Evaluation(
    network="cnn-lstm",
    seeds=(1,),
    origins_unseen=1,
    figures={
        "cnn-lstm": {"macro_f1": 0.8, "ece": 0.02, **capture_figures(OUTCOMES)},
        "rate rule": {"macro_f1": 0.5},
    },
    spread={},
    without_doubts={"right_DDoS": 0.25},
    confusion=[[9, 0, 0, 1], [0, 4, 0, 0], [0, 0, 0, 0], [1, 0, 0, 3]],
    reliability=[Bin(18, 0.9, 0.88)],
    curve=[CurvePoint(0.5, 0.9, 0.125, 1.0, 0.2)],
    origins={"sgr": {"windows": 12.0, "recall_Recon": 0.5}},
    captures=OUTCOMES,
    doubts=[Doubt("weak.pcap", "lab", "DoS", 46, 365, 62.7, (Evidence("packets_1s", 7.0, 0.6),))],
    quiet=[QuietPart("<fades>.pcap", 40, 17)],
)


def test_models_stand_side_by_side() -> None:
    text = list(lines({"cnn": {"macro_f1": 0.5}, "forest": {"macro_f1": 0.75, "f1_DoS": 1.0}}, {}, []))
    assert text[0].split() == ["cnn", "forest"]
    assert text[1].split() == ["macro_f1", "0.5", "0.75"]
    assert text[2].split() == ["f1_DoS", "1"]


def test_only_captures_that_went_wrong_are_named() -> None:
    outcomes = [outcome("Benign"), outcome("Benign", "DoS"), outcome("Recon", "Recon"), outcome("DDoS")]
    text = [line for line in lines({}, {}, outcomes) if "missed" in line]
    assert text == [
        "Benign missed: Benign.pcap opened DoS, uncertain DoS",
        "DDoS missed: DDoS.pcap opened nothing, uncertain DoS",
    ]


def test_origins_are_told_with_their_figures() -> None:
    assert "sgr: windows 12, recall_Recon 0.5" in lines(
        {}, {"sgr": {"windows": 12.0, "recall_Recon": 0.5}}, []
    )


def test_the_seeds_of_a_capture_are_counted() -> None:
    (wrong,) = wrong_captures([outcome("Recon", "Recon"), outcome("Recon"), outcome("Recon", "DoS")])
    assert (wrong.times, wrong.seeds) == (2, 3)
    assert wrong.became == "opened nothing, uncertain DoS; or opened DoS, uncertain DoS"


def test_the_headline_is_in_plain_words() -> None:
    told = list(headline(EVALUATION))
    assert told[0] == (
        "It named the right attack in 50% of 2 attack captures from networks it had never seen "
        "(DDoS 0%, Recon 100%)."
    )
    assert "after 1.5 s in half of the cases" in told[1]
    assert told[2] == "It raised a false incident in 50.0% of 2 captures of ordinary traffic."
    assert "it called 100% an attack that it knows" in told[3]
    assert told[4] == "By macro-F1 of windows, none of rate rule did better than cnn-lstm."
    beaten = replace(EVALUATION, figures=EVALUATION.figures | {"LightGBM": {"macro_f1": 0.9}})
    assert list(headline(beaten))[4] == "By macro-F1 of windows, LightGBM did better than cnn-lstm."
    ablated = {"cnn-lstm": EVALUATION.figures["cnn-lstm"], "cnn-lstm, shuffled": {"macro_f1": 0.9}}
    assert len(list(headline(replace(EVALUATION, figures=ablated)))) == 4


def test_the_page_holds_all_and_fetches_nothing() -> None:
    page = render(EVALUATION)
    assert page.count("<svg") == 4
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    for part in ("weak.pcap", "packets_1s 7 (60.0 %)", "brute.pcap", "12.5 %", "without unsupported labels"):
        assert part in page


def test_the_page_shows_how_well_attacks_hide() -> None:
    points = (Point(0.0, 6, 0.75, 0.8, 0.5, 0.25, 1.25), Point(20.0, 6, 0.5, 0.5, 0.5, 0.25, None))
    page = render(replace(EVALUATION, evasion=(Curve("decoys", "Recon", points),)))
    assert page.count("<svg") == 5
    assert "How well attacks hide" in page
    text = re.sub(r"\s*<[^>]*>\s*", "", page)
    for told in ("opens75%50%", "still opens50%50%", "another class25%25%", "median seconds1.2never"):
        assert told in text
    assert "How well attacks hide" not in render(EVALUATION)


def test_a_captures_name_cannot_write_the_page() -> None:
    page = render(EVALUATION)
    assert "&lt;busy&gt;.pcap" in page
    assert "<busy>" not in page


def test_json_says_what_the_page_says(tmp_path: Path) -> None:
    write_report(EVALUATION, tmp_path / "out" / "report.html")
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["figures"] == EVALUATION.figures
    assert told["doubts"][0]["evidence"] == [{"quantity": "packets_1s", "value": 7.0, "benign_share": 0.6}]
    assert len(told["captures"]) == len(OUTCOMES)
    assert (tmp_path / "out" / "report.html").read_text() == render(EVALUATION)
