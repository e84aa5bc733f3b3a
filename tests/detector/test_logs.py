"""The program's own log, for people and for programs."""

import io
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.logs import LOGGER, in_background, one_line, set_up

ANY_TEXT = st.text(st.characters(codec=None))
"""Lone surrogates included: they stand for bytes of a file name that are no UTF-8."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers, level, propagate = LOGGER.handlers[:], LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)
    LOGGER.propagate = propagate


def logged(form: str, message: str, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    set_up(form, "info", stream).warning("%s", message)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "stream", "plain"),
    [
        ("auto", Terminal(), True),
        ("auto", io.StringIO(), False),
        ("plain", io.StringIO(), True),
        ("json", Terminal(), False),
    ],
)
def test_the_form_follows_the_reader(form: str, stream: io.StringIO, *, plain: bool) -> None:
    text = logged(form, "Lost eth0.", stream)
    assert bool(re.fullmatch(r"\d\d:\d\d:\d\d warning: Lost eth0\.\n", text)) is plain
    if not plain:
        assert orjson.loads(text)["message"] == "Lost eth0."


@given(ANY_TEXT)
def test_a_plain_line_is_one_line(message: str) -> None:
    text = logged("plain", message)
    assert text.endswith("\n")
    assert text[:-1].isprintable()


@given(ANY_TEXT)
def test_a_json_line_is_one_object(message: str) -> None:
    text = logged("json", message)
    assert text.count("\n") == 1
    event: dict[str, Any] = orjson.loads(text)
    assert set(event) == {"timestamp", "level", "message"}
    assert event["message"] == message.encode("utf-8", "backslashreplace").decode()
    assert abs((datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])).total_seconds()) < 60


@given(ANY_TEXT)
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert one_line(text).isprintable()
    if text.isprintable():
        assert one_line(text) == text


def test_a_defect_is_logged_with_its_traceback() -> None:
    stream = io.StringIO()
    logger = set_up("json", "info", stream)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logger.exception("Broken.")
    assert "Traceback" in orjson.loads(stream.getvalue())["message"]


def broken(why: str) -> None:
    raise ValueError(why)


def test_a_traceback_begins_no_line_that_looks_like_ours() -> None:
    stream = io.StringIO()
    logger = set_up("plain", "info", stream)
    try:
        broken("x\n12:00:00 error: all is lost\x1b[31m\u2028y")
    except ValueError:
        logger.exception("Broken.")
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("error: Broken.")
    assert len(others) > 3
    assert all(line.startswith("    | ") and line.isprintable() for line in others)


@pytest.mark.parametrize(("form", "start"), [("auto", "<4>{"), ("json", "<4>{"), ("plain", "<4>1")])
def test_the_journal_is_told_the_priority_of_each_line(
    form: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "12:00:00")
    with (tmp_path / "journal").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        set_up(form, "info", stream).warning("Lost eth0.")
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:1")
        set_up(form, "info", stream).warning("Lost eth0.")
    told, other = (tmp_path / "journal").read_text().splitlines()
    assert told.startswith(start)
    assert other.startswith(start[3:])


def test_a_level_keeps_lesser_messages_out() -> None:
    stream = io.StringIO()
    logger = set_up("plain", "error", stream)
    logger.warning("no")
    logger.error("yes")
    assert stream.getvalue().endswith("error: yes\n")
    assert stream.getvalue().count("\n") == 1


def test_a_log_that_nobody_reads_holds_up_nothing_and_tells_what_it_lost() -> None:
    """The pipe takes some 1,800 messages and 1,000 wait; a log that waited for its reader would never end."""
    reader, writer = os.pipe()
    came: list[str] = []
    with os.fdopen(reader, "r") as log, os.fdopen(writer, "w", buffering=1) as stream:
        logger = set_up("plain", "info", stream)
        reading = Thread(target=lambda: came.extend(log))
        with in_background():
            for number in range(5_000):
                logger.warning("Message %04d.", number)
            background = logger.handlers[0]._thread  # type: ignore[attr-defined]
            reading.start()
        background.join(10)
        stream.close()
        reading.join(10)
    numbers = [int(line[-6:-2]) for line in came if "Message" in line]
    lost = [int(line.split("error: ")[1].split()[0]) for line in came if "were lost" in line]
    assert numbers == sorted(set(numbers))
    assert sum(lost) > 1_000
    assert len(numbers) + sum(lost) == 5_000


def test_what_was_logged_in_the_background_comes_before_what_follows() -> None:
    stream = io.StringIO()
    logger = set_up("plain", "info", stream)
    with in_background():
        for number in range(20):
            logger.warning("Message %d.", number)
    logger.warning("Last.")
    assert [line.rsplit(" ", 1)[1] for line in stream.getvalue().splitlines()] == [
        *(f"{number}." for number in range(20)),
        "Last.",
    ]


def test_a_log_in_the_background_takes_another_form_and_stays_there() -> None:
    first, second = io.StringIO(), io.StringIO()
    logger = set_up("plain", "info", first)
    with in_background():
        running = logger.handlers[0]
        set_up("json", "info", second).warning("Lost eth0.")
        assert logger.handlers == [running]
    assert first.getvalue() == ""
    assert orjson.loads(second.getvalue())["message"] == "Lost eth0."


def test_setting_up_again_replaces_the_handler() -> None:
    set_up("plain", "info", io.StringIO())
    set_up("plain", "debug", io.StringIO())
    assert len(LOGGER.handlers) == 1
    assert LOGGER.level == logging.DEBUG
