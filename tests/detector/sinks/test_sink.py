"""The forms in which an alert is sent."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from detector.records import Category, State
from detector.sinks.sink import json_lines, sentence
from tests.detector.sinks.samples import ALERT, LINE


def test_a_flood_is_no_scan() -> None:
    flood = replace(ALERT, category=Category.DDOS, attacker="31 sources", state=State.CLOSE)
    assert sentence(flood).startswith("DDoS close: 31 sources flooded 10.0.0.5: ")


def test_a_sentence_is_one_line_without_control_characters() -> None:
    assert (
        sentence(replace(ALERT, victim="a\n\x1b[31mb\u2028c")).split(": ")[1]
        == "10.0.0.66 scanned a??[31mb?c"
    )


def test_a_line_is_the_event_as_json() -> None:
    assert json_lines([ALERT, ALERT]) == LINE * 2


@given(st.text(), st.text(), st.text())
def test_no_text_begins_a_line_of_its_own(name: str, victim: str, reason: str) -> None:
    hostile = replace(ALERT, victim=victim, reason=reason, event={"in_iface": name})
    assert sentence(hostile).isprintable()
    assert json_lines([hostile]).count(b"\n") == 1
