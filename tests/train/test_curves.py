from dataclasses import replace
from pathlib import Path

import pytest

from detector.errors import UsageError
from train.curves import AS_IS, LADDERS, Evasion, Row, curves_of, lines, read_evasion, write_evasion
from train.outcomes import CaptureOutcome


def row(
    evasion: str,
    strength: float,
    capture: str,
    opened: str = "",
    *,
    secs: float | None = None,
    run: str = "a",
) -> Row:
    latency = None if secs is None else round(1000 * secs)
    outcome = CaptureOutcome(capture, "o", "Recon", (opened,) if opened else (), ("Recon",), latency)
    return Row(evasion, strength, run, outcome, 100, 10, f"{evasion} {strength} {capture} {run}")


ROWS = [
    row("slower", 4.0, "b"),
    row("slower", 4.0, "a", "Recon", secs=9.0),
    row(AS_IS, 0.0, "a", "Recon", secs=1.0),
    row(AS_IS, 0.0, "b", "Recon", secs=3.0),
    row("slower", 2.0, "a", "DDoS"),
    row("slower", 2.0, "b"),
    row("decoys", 5.0, "a", "Recon", secs=0.5),
    row("decoys", 5.0, "a", "DDoS", run="b"),
]


def test_a_curve_begins_with_the_captures_as_they_are() -> None:
    slower, decoys = curves_of(ROWS)
    assert (slower.evasion, slower.category) == ("slower", "Recon")
    assert [(p.strength, p.captures, p.right, p.latency_median_secs) for p in slower.points] == [
        (1.0, 2, 1.0, 2.0),
        (2.0, 2, 0.0, None),
        (4.0, 2, 0.5, None),
    ]
    assert all(point.noticed == 1.0 for point in slower.points)
    assert [point.other for point in slower.points] == [0.0, 0.5, 0.0]
    assert [(p.strength, p.captures, p.right) for p in decoys.points] == [(0.0, 2, 1.0), (5.0, 1, 0.5)]


def test_what_still_opens_is_set_against_what_did() -> None:
    as_is = [row(AS_IS, 0.0, "a", "Recon"), row(AS_IS, 0.0, "b"), row(AS_IS, 0.0, "a", run="b")]
    lossy = [row("loss", 0.1, "a", "Recon"), row("loss", 0.1, "b"), row("loss", 0.1, "a", "DoS", run="b")]
    (loss,) = curves_of([*as_is, *lossy])
    assert [(p.captures, p.right, p.still) for p in loss.points] == [(2, 1 / 3, 1.0), (2, 1 / 3, 1.0)]
    (none,) = curves_of([*as_is[1:], *lossy])
    assert none.points[1].still is None


def test_what_opens_no_more_makes_nothing_faster() -> None:
    as_is = [row(AS_IS, 0.0, name, "Recon", secs=secs) for name, secs in (("a", 1.0), ("b", 9.0), ("c", 5.0))]
    lossy = [
        row("loss", 0.1, "a", "Recon", secs=2.0),
        row("loss", 0.1, "b"),
        row("loss", 0.1, "d", "Recon", secs=0.1),
    ]
    lossy.append(row("loss", 0.1, "c", "Recon", secs=6.0))
    (loss,) = curves_of([*as_is, *lossy])
    assert [point.latency_median_secs for point in loss.points] == [5.0, 6.0]


def test_curves_are_told_a_line_each() -> None:
    (told, _) = lines(curves_of(ROWS))
    assert told == (
        "slower    Recon  2 captures  1: 100% (still 100%) 2.0 s, 2: 0% (still 0%), 4: 50% (still 50%)"
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = Evasion(curves_of(ROWS), ROWS, {"x.pcap, loss 0.5": "nothing is left of it"})
    path = tmp_path / "out" / "evasion.json"
    assert write_evasion(path, found) == found == read_evasion(path)
    assert [each.name for each in path.parent.iterdir()] == ["evasion.json"]


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: no readable evasion .*run iotids-train evade"):
        read_evasion(tmp_path / "none.json")
    (tmp_path / "x.json").write_text('{"curves": 1}')
    with pytest.raises(UsageError, match="no readable evasion"):
        read_evasion(tmp_path / "x.json")
    with pytest.raises(UsageError, match="cannot be written"):
        write_evasion(tmp_path / "x.json" / "y.json", Evasion((), [], {}))


def test_ladders_rise_from_the_capture_as_it_is() -> None:
    for ladder in LADDERS.values():
        for category in ("Recon", "DoS", "DDoS"):
            strengths = [ladder.as_is, *ladder.strengths(category)]
            assert strengths == sorted(set(strengths))
    assert LADDERS["decoys"].strengths("DoS") == ()
    assert replace(LADDERS["loss"], floods=()).strengths("Recon") == (0.01, 0.05, 0.1, 0.25)
