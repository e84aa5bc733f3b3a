import struct
import tomllib
from pathlib import Path

import pytest

from detector.bundle import Thresholds
from detector.config import Config, load
from detector.errors import CaptureError, UsageError
from tests import rules
from tests.train.test_tune import ALIKE, DOUBTFUL, QUIET, capture
from train.budget import Tuned, choose, incidents_per_day, most_expected, raised, toml, tune_own, verdict
from train.tune import opens

PCAPS = Path(__file__).parents[1] / "pcaps"
LOW = Thresholds(benign=0.5, recon=0.5, dos=0.55, ddos=0.5)


@pytest.mark.parametrize(
    ("text", "per_day"), [("1/day", 1.0), ("0.5/week", 0.5 / 7), ("2/hour", 48.0), ("3 / day", 3.0)]
)
def test_a_budget_is_a_number_and_a_time(text: str, per_day: float) -> None:
    assert incidents_per_day(text) == pytest.approx(per_day)


@pytest.mark.parametrize(
    "text", ["1", "1/month", "0/day", "-1/day", "nan/day", "inf/day", "/day", "", "a/day"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a number above 0 and hour, day or week, such as 1/day"):
        incidents_per_day(text)


@pytest.mark.parametrize(("count", "most"), [(0, 2.9957), (1, 4.7439), (5, 10.5130), (100, 118.0790)])
def test_the_bound_is_that_of_the_tables(count: int, most: float) -> None:
    assert most_expected(count) == pytest.approx(most, rel=2e-3)


def test_thresholds_that_are_quiet_stay() -> None:
    assert choose(capture("quiet", [QUIET] * 9), LOW, 0) == LOW


def test_only_what_opens_is_raised_and_no_further_than_needed() -> None:
    benign = capture("alike", [ALIKE] * 9)
    chosen = choose(benign, LOW, 0)
    assert chosen.recon == 0.85
    assert (chosen.dos, chosen.ddos) == (LOW.dos, LOW.ddos)
    assert not opens(benign, chosen)


def test_an_uncertain_incident_lowers_what_benign_needs() -> None:
    chosen = choose(capture("doubtful", [DOUBTFUL] * 9), LOW, 0)
    assert chosen == LOW.model_copy(update={"benign": 0.35})


def test_incidents_that_the_budget_allows_raise_nothing() -> None:
    assert choose(capture("alike", [ALIKE] * 9), LOW, 1) == LOW


def test_nothing_is_raised_for_what_no_threshold_within_bounds_silences() -> None:
    certain = capture("attack", [[0.0, 0.0, 0.0, 1.0]] * 9)
    assert choose(certain, LOW, 0) == LOW


def test_there_is_a_bound_to_what_is_raised() -> None:
    certain = capture("attack", [[0.0, 0.0, 0.0, 1.0]] * 9)
    highest = LOW
    while (following := raised(highest, opens(certain, highest))) != highest:
        highest = following
    assert highest == LOW.model_copy(update={"recon": 0.99})


def test_a_quiet_network_keeps_the_bundles_thresholds_and_is_told_how_little_that_proves(
    tmp_path: Path,
) -> None:
    bundle = rules.write(tmp_path / "bundle")
    found = tune_own([str(PCAPS / "quiet-home.pcap")], 1.0, bundle)
    assert (found.after, found.opened, found.met) == (found.before, (), True)
    assert found.days * 86_400 == pytest.approx(35, abs=2)
    assert found.at_most == pytest.approx(2.9957 / found.days, rel=1e-3)
    told = "\n".join(verdict(found))
    assert "TOO SHORT TO TELL" in told
    assert "3 days without one tell" in told


def test_what_no_threshold_silences_is_named(tmp_path: Path) -> None:
    bundle = rules.write(tmp_path / "bundle")
    found = tune_own([str(PCAPS / "scan-among-devices.pcap")], 1.0, bundle)
    assert not found.met
    assert found.after == found.before
    told = "\n".join(verdict(found))
    assert "BUDGET MISSED" in told
    assert "Recon: 192.168.123.226 to 192.168.123.105" in told


def later(path: Path, seconds: int, to: Path) -> str:
    """Write a little-endian pcap again, so much later."""
    content = path.read_bytes()
    pieces, at = [content[:24]], 24
    while at < len(content):
        stamp, micros, kept, length = struct.unpack_from("<IIII", content, at)
        pieces.append(struct.pack("<IIII", stamp + seconds, micros, kept, length))
        pieces.append(content[at + 16 : at + 16 + kept])
        at += 16 + kept
    to.write_bytes(b"".join(pieces))
    return str(to)


def test_only_time_that_was_captured_counts_and_once(tmp_path: Path) -> None:
    bundle, home = rules.write(tmp_path / "bundle"), PCAPS / "quiet-home.pcap"
    next_day = later(home, 86_400, tmp_path / "later.pcap")
    once, same, both = (
        tune_own(files, 1.0, bundle).days
        for files in ([str(home)], [str(home), str(home)], [str(home), next_day])
    )
    assert same == pytest.approx(once)
    assert both == pytest.approx(2 * once)


def test_the_lines_are_a_configuration(tmp_path: Path) -> None:
    after = LOW.model_copy(update={"recon": 0.85, "benign": 0.35})
    lines = toml(Tuned(LOW, after, 4.0, 1.0, 3, ()))
    (tmp_path / "own.toml").write_text(lines)
    assert load(tmp_path / "own.toml").thresholds.model_dump() == after.model_dump()
    assert tomllib.loads(lines).keys() == {"thresholds"} <= Config.model_fields.keys()
    assert "recon = 0.85  # the bundle has 0.5" in lines
    assert "dos = 0.55  # as the bundle" in lines
    assert "# At most 0.75 a day are to be expected (95% confidence)." in lines


def test_a_budget_counts_days_not_captures() -> None:
    assert Tuned(LOW, LOW, 0.5, 1.0, 0, ()).met
    assert Tuned(LOW, LOW, 0.5, 1.0, 0, ()).at_most > 1.0


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("none.pcap", "none.pcap"), ("truncated.pcap", "truncated"), ("empty", "not enough")],
)
def test_a_capture_that_tells_nothing_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    bundle = rules.write(tmp_path / "bundle")
    path = PCAPS / name
    if name == "empty":
        path = tmp_path / "empty.pcap"
        path.write_bytes((PCAPS / "quiet-home.pcap").read_bytes()[:24])
    with pytest.raises(CaptureError, match=complaint):
        tune_own([str(path)], 1.0, bundle)
