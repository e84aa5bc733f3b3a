"""What an operator reads about a bad configuration."""

import datetime as dt
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config.problems import problems, shown
from detector.config.sections import SECTIONS


def told(text: str) -> list[str]:
    return problems(tomllib.loads(text), {})


def test_a_good_configuration_has_no_problems() -> None:
    assert told("[metrics]\nport = 1\n[incidents]\nclose_after_secs = 5\n") == []


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("99", "got 99, allowed is a whole number from 100 to 3600000, leave it out"),
        (
            "'1000'",
            "got the text '1000', allowed is a whole number from 100 to 3600000, write it without quotes",
        ),
        ("'fast'", "got the text 'fast', allowed is a whole number from 100 to 3600000, leave it out"),
        ("1000.0", "got 1000.0, allowed is a whole number from 100 to 3600000, leave it out"),
        ("true", "got true, allowed is a whole number from 100 to 3600000, leave it out"),
        ("[1]", "got the list [1], allowed is a whole number from 100 to 3600000, leave it out"),
        ("{a = 1}", "got the table {'a': 1}, allowed is a whole number from 100 to 3600000, leave it out"),
        (
            "2020-01-02",
            "got the value 2020-01-02, allowed is a whole number from 100 to 3600000, leave it out",
        ),
    ],
)
def test_a_bad_value_of_an_option_without_default(value: str, sentence: str) -> None:
    assert told(f"[meter]\nidle_timeout_ms = {value}") == [f"[meter] idle_timeout_ms: {sentence}"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("snaplen_bytes = 1", "got 1, allowed is a whole number from 96 to 262144, the default is 1536"),
        ("promiscuous = 'true'", "got the text 'true', allowed is true or false, write it without quotes"),
        ("promiscuous = 'yes'", "got the text 'yes', allowed is true or false, the default is true"),
        ("interfaces = 'eth0'", "got the text 'eth0', allowed is a list of texts, put it in brackets"),
        ("interfaces = 5", "got 5, allowed is a list of texts, leave it out"),
        ("bpf_filter = 80", "got 80, allowed is a text, put it in quotes"),
        ("bpf_filter = ['tcp']", "got the list ['tcp'], allowed is a text, leave it out"),
    ],
)
def test_a_bad_value_says_how_to_fix_it(line: str, sentence: str) -> None:
    key = line.partition(" = ")[0]
    assert told(f"[capture]\n{line}") == [f"[capture] {key}: {sentence}"]


def test_a_choice_lists_its_choices() -> None:
    (problem,) = told("[output]\nlog_format = 'xml'")
    assert problem.endswith("'xml', allowed is one of 'auto', 'plain', 'json', the default is 'auto'")


def test_a_bad_entry_of_a_list_is_counted_from_one() -> None:
    assert told("[capture]\ninterfaces = ['eth0', 7]") == [
        "[capture] interfaces (entry 2): got 7, allowed is a text, put it in quotes"
    ]


@pytest.mark.parametrize(
    ("text", "name", "fix"),
    [
        ("[capture]\ninterface = []", "[capture] interface", "did you mean [capture] interfaces?"),
        ("[captures]\nx = 1", "captures", "did you mean [capture]?"),
        ("bundel = 'x'", "bundel", "did you mean bundle?"),
        ("port = 1", "port", "move it below [metrics]"),
        ("[output]\nport = 1", "[output] port", "move it below [metrics]"),
        ("[output]\nsyslog = 1", "[output] syslog", "remove it"),
        ('[output]\n"\\u001b[2J" = 1', "[output] '\\x1b[2J'", "remove it"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(text: str, name: str, fix: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(f"{name}: got an unknown ")
    assert problem.endswith(f", {fix}")


def test_an_unknown_key_lists_the_known_ones() -> None:
    (problem,) = told("[output]\nsyslog = 1")
    known = "alerts, rotate_bytes, rotated_files, max_queued_alerts, log_format, log_level"
    assert f"got an unknown key, allowed are {known}, remove it" in problem


@pytest.mark.parametrize("value", ["3", "[1]", "'x'", "[{port = 1}]"])
def test_a_section_that_is_no_table(value: str) -> None:
    (problem,) = told(f"metrics = {value}")
    assert problem.startswith("[metrics]: got ")
    assert problem.endswith("allowed is a table, write [metrics] on a line of its own")


def test_a_contradiction_is_found_beside_a_bad_value() -> None:
    found = told("[incidents]\nopen_after = 9\nmax_open = 'x'")
    assert [problem.split(":")[0] for problem in found] == ["[incidents] max_open", "[incidents] open_after"]


def test_no_contradiction_with_a_value_that_is_bad_anyway() -> None:
    (problem,) = told("[incidents]\nopen_after = 9\nopen_within = 'ten'")
    assert problem.startswith("[incidents] open_within: got the text 'ten'")


def test_values_from_flags_are_named_by_their_flag() -> None:
    values = {"metrics": {"port": -1}, "incidents": {"open_within": 1}, "bundle": 3}
    flags = {("metrics", "port"): "--port", ("incidents", "open_within"): "--within", ("bundle",): "--bundle"}
    found = problems(values, flags)
    assert sorted(problem.split(":")[0] for problem in found) == ["--bundle", "--port", "--within"]


def test_a_file_of_another_program_does_not_flood_the_line() -> None:
    found = told("\n".join(f"key{number} = 1" for number in range(5000)))
    assert len(found) == 21
    assert found[-1] == "and 4980 more"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("a\x1bb\n", "'a\\x1bb\\n'"),
        ("\u202e", "'\\u202e'"),
        (dt.date(2020, 1, 2), "2020-01-02"),
        pytest.param(16**9000, "a value too large to show", id="huge"),
        ("x" * 100, "'" + "x" * 76 + "..."),
    ],
)
def test_values_are_shown_printable_and_short(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_value_nested_too_deeply_to_show() -> None:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    assert shown(value) == "a value too large to show"


NAMES = st.sampled_from([*SECTIONS, "bundle", "x"]) | st.text(max_size=5)
SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=100), st.dates(), st.just("10.0.0.1 DoS")
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.sampled_from(list(section.model_fields)) | NAMES, VALUES, max_size=4)
        for name, section in SECTIONS.items()
    },
)


@given(st.one_of(TABLES, st.dictionaries(NAMES, VALUES, max_size=4)))
def test_any_values_give_short_printable_problems(values: dict[str, Any]) -> None:
    for problem in problems(values, {}):
        assert problem.isprintable()
        assert len(problem) < 600
        assert ": got " in problem or problem.startswith("and ")


TOO_SMALL = [
    ("capture", "snaplen_bytes"),
    ("window", "max_hosts"),
    ("incidents", "max_open"),
    ("metrics", "port"),
]


@given(st.sets(st.sampled_from(TOO_SMALL)))
def test_every_bad_value_is_named_once(chosen: set[tuple[str, str]]) -> None:
    found = problems({section: {key: -1} for section, key in chosen}, {})
    assert {problem.split(":")[0] for problem in found} == {f"[{section}] {key}" for section, key in chosen}
    assert len(found) == len(chosen)
