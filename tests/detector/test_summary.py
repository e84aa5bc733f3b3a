"""What a person at a terminal sees."""

import io
from pathlib import Path
from typing import Any

import pytest

from detector.records import Alert, Category, State
from detector.replay import Progress
from detector.summary import Bar, show

SEEN = {"first_seen": "2026-11-23T09:12:09.000000+0000", "last_seen": "2026-11-23T09:12:13.456000+0000"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def alert(**fields: Any) -> Alert:
    values: dict[str, Any] = {
        "state": State.CLOSE,
        "category": Category.RECON,
        "severity": 2,
        "confidence": 0.974,
        "time_ms": 2000,
        "first_ms": 1000,
        "attacker": "10.0.0.66",
        "victim": "10.0.0.5",
        "reason": "411 ports of 1 host in 3.1 s",
        "event": {"iotids": SEEN},
    }
    return Alert(**(values | fields))


def shown(*alerts: Alert, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    show(alerts, stream, packets=12_345, ignored=6)
    return stream.getvalue()


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_a_row_tells_all_of_an_incident() -> None:
    text = shown(alert())
    assert rows(text) == [
        [
            *("Recon", "10.0.0.66", "10.0.0.5", "2026-11-23 09:12:09", "4.5 s", "97%"),
            "411 ports of 1 host in 3.1 s",
        ]
    ]
    assert "1 incident\n" in text.replace(" \n", "\n").replace("  ", "")
    assert text.endswith("12,345 packets read, 6 of them not IP or malformed.\n")


def test_incidents_stand_in_the_order_in_which_they_began() -> None:
    text = shown(alert(first_ms=5, victim="late"), alert(first_ms=3, victim="early"))
    assert [row[2] for row in rows(text)] == ["early", "late"]
    assert "2 incidents" in text


def test_an_uncertain_one_says_so() -> None:
    assert rows(shown(alert(severity=3)))[0][0] == "Recon (uncertain)"


def test_nothing_found_is_said() -> None:
    assert shown().startswith("No incident.\n12,345 packets")


@pytest.mark.parametrize("text", ["[red]x[/]", "a\x1b[31mb", "a\nb"])
def test_no_text_of_an_alert_is_taken_for_markup(text: str) -> None:
    out = shown(alert(attacker=text))
    assert "\x1b" not in out
    assert len(rows(out)) == 1
    assert rows(out)[0][1] == text.replace("\x1b", "\\x1b").replace("\n", "\\n")


def test_a_time_beyond_the_calendar_is_shown_as_the_alert_has_it() -> None:
    far = dict.fromkeys(SEEN, "9999-12-31T23:59:59.999000+0000")
    assert rows(shown(alert(first_ms=10**17, event={"iotids": far})))[0][3] == "9999-12-31 23:59:59"


def test_a_bar_counts_files_and_packets(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(bytes(100))
    stream = Terminal()
    bar = Bar([str(tmp_path / "a.pcap")], stream)
    bar.show(Progress(files=1, packets=1234, bytes_read=50))
    bar._bar.refresh()
    bar.close()
    assert "file 1 of 1, 1,234 packets" in stream.getvalue()
    assert "50%" in stream.getvalue()


@pytest.mark.parametrize("name", ["-", "missing.pcap"])
def test_a_bar_of_unknown_length_is_no_error(name: str) -> None:
    bar = Bar([name], Terminal())
    bar.show(Progress(files=1, packets=1, bytes_read=0))
    assert bar._bar.tasks[0].total is None
    bar.close()
