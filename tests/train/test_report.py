from train.evaluate import CaptureOutcome
from train.report import lines


def outcome(category: str, *opened: str) -> CaptureOutcome:
    return CaptureOutcome(f"{category}.pcap", "lab", category, opened, ("DoS",), None)


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
