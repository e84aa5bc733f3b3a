import json
from pathlib import Path

import pytest

from tests.command import PCAPS
from tests.train import augmented
from tests.train.augmented import truth
from train.augment import Made, Options, augment, file_name
from train.corpus import extract_all
from train.scene import scene
from train.sources import CaptureSource, from_lab
from train.split import split_by_name

ALL = Options(stretch=[4], loss=[0.2], cut=[1.4], one_way=True, nat=True, attackers=[3], mix=1)


def sources(folder: Path) -> list[CaptureSource]:
    few, many = ["10.0.0.66"], ["10.0.0.66", "10.0.0.67", "10.0.0.68", "10.0.0.69"]
    made = folder / "lab"
    return [
        augmented.write(made, "dos-1", augmented.flood(few, 90), augmented.event("DoS", few)),
        augmented.write(made, "ddos-2", augmented.flood(many, 90), augmented.event("DDoS", many)),
        augmented.write(made, "benign-3", augmented.life(100)),
    ]


def test_each_option_makes_one_capture_of_each(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done: list[str] = []
    made = augment(sources(tmp_path), out, ALL, told=done.append)
    assert done == ["lab/dos-1", "lab/ddos-2", "lab/benign-3"]
    assert sorted(made.made) == sorted(
        [
            *(f"lab_dos-1-{end}" for end in ("x4", "loss20", "cut1.4s", "oneway", "from3", "in-benign-3")),
            *(
                f"lab_ddos-2-{end}"
                for end in ("x4", "loss20", "cut1.4s", "oneway", "nat", "from3", "in-benign-3")
            ),
            *(f"lab_benign-3-{end}" for end in ("x4", "loss20", "cut1.4s", "oneway", "nat")),
        ]
    )
    assert made.left_out == {}
    assert {path.stem for path in out.glob("*.pcap")} == set(made.made)
    assert not list(out.glob(".*"))
    again = augment(sources(tmp_path), out, ALL)
    assert (again.made, sorted(again.kept)) == ([], sorted(made.made))


def test_the_class_is_what_the_victim_sees(tmp_path: Path) -> None:
    augment(sources(tmp_path), tmp_path, ALL)
    told = {path.stem: truth(path) for path in tmp_path.glob("*.json")}
    assert told["lab_dos-1-from3"]["category"] == "DDoS"
    assert told["lab_ddos-2-nat"]["category"] == "DoS"
    assert told["lab_ddos-2-from3"]["category"] == "DDoS"
    assert told["lab_dos-1-x4"]["category"] == "DoS"
    for name in ("lab_dos-1-from3", "lab_ddos-2-nat"):
        assert [event["class"] for event in told[name]["events"]] == [told[name]["category"]]


def test_what_is_made_stays_with_its_parent(tmp_path: Path) -> None:
    augment(sources(tmp_path), tmp_path / "made", ALL)
    augment(from_lab(tmp_path / "made"), tmp_path / "twice", Options(stretch=[2]))
    twice = from_lab(tmp_path / "twice")
    assert {each.origin for each in twice} == {"lab"}
    assert {each.layout for each in twice} == {"lab"}
    mix = next(each for each in twice if "lab_dos-1-in-benign-3" in each.name)
    told = truth(mix.path)
    assert [list(step) for step in told["made"]] == [["mixed_into", "rate"], ["stretched"]]
    assert {parent["capture"] for parent in told["parents"]} >= {"lab/dos-1", "lab/benign-3"}
    contents = {scene(each).told["parents"][-1]["content"] for each in from_lab(tmp_path / "lab")}
    assert contents & set(mix.made_from)
    index = extract_all([mix, *from_lab(tmp_path / "lab")], tmp_path / "data", jobs=1)
    assert split_by_name(index, validate=["lab"], test=[]).validate == {"lab"}


def test_mixing_with_other_origins_has_to_be_asked_for(tmp_path: Path) -> None:
    attack, _, _ = sources(tmp_path)
    benign = augmented.write(tmp_path / "home", "benign-9", augmented.life(100))
    made = augment([attack, benign], tmp_path / "a", Options(mix=1))
    assert made.made == []
    assert made.left_out == {"lab/dos-1": "no benign capture of its origin to lay it into"}
    made = augment([attack, benign], tmp_path / "b", Options(mix=1, across=True))
    assert made.made == ["lab_dos-1-in-benign-9"]
    (mix,) = from_lab(tmp_path / "b")
    assert (mix.origin, mix.parents) == ("lab", ("home",))


def test_captures_labelled_as_a_whole_serve_too(tmp_path: Path) -> None:
    name = "syn-flood-spoofed"
    source = CaptureSource(PCAPS / f"{name}.pcap", f"own/{name}.pcap", "own", "DDoS", "MIT", 1)
    made = augment([source], tmp_path, Options(attackers=[1, 5], cut=[2]))
    assert sorted(made.made) == [f"own_{name}-{end}" for end in ("cut2s", "from1", "from5")]
    one = truth(tmp_path / f"own_{name}-from1.json")
    assert (one["category"], one["default_class"], one["layout"]) == ("DoS", "ignore", "manifest")
    index = extract_all(from_lab(tmp_path), tmp_path / "data", jobs=1)
    assert {entry.category for entry in index.entries} == {"DoS", "DDoS"}


def test_a_capture_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = sources(tmp_path)
    found[0].path.write_bytes(b"GIF89a")
    (tmp_path / "lab" / "ddos-2.json").write_text("{}")
    made = augment(found, tmp_path / "out", Options(stretch=[2]))
    assert made.made == ["lab_benign-3-x2"]
    assert "no readable pcap" in made.left_out["lab/dos-1"]
    assert "no readable truth" in made.left_out["lab/ddos-2"]


def test_an_attack_that_is_gone_is_left_out(tmp_path: Path) -> None:
    few = ["10.0.0.66"]
    frames = [*augmented.life(9), *augmented.flood(few)]
    source = augmented.write(tmp_path / "lab", "dos-1", frames, augmented.event("DoS", few))
    made: Made = augment([source], tmp_path / "out", Options(cut=[0.9, 1.02, 1.2]))
    assert sorted(made.left_out) == ["lab_dos-1-cut0.9s", "lab_dos-1-cut1.02s"]
    assert [path.name for path in (tmp_path / "out").glob("*.pcap")] == ["lab_dos-1-cut1.2s.pcap"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pcaps/benign/a b.pcap", "pcaps_benign_a_b-x2"), ("../../etc/x", ".._.._etc_x-x2")],
)
def test_a_name_is_one_name(tmp_path: Path, name: str, expected: str) -> None:
    source = CaptureSource(tmp_path, name, "o", "Benign", "MIT", 0)
    assert file_name(source, "x2") == expected


def test_truths_are_json_that_says_what_was_done(tmp_path: Path) -> None:
    augment(sources(tmp_path)[:1], tmp_path, Options(loss=[0.2], seed=3))
    told = json.loads((tmp_path / "lab_dos-1-loss20.json").read_text())
    assert told["made"] == [{"loss": 0.2}]
    assert told["events"][0]["packets"] == len(augmented.packets(tmp_path / "lab_dos-1-loss20.pcap"))
