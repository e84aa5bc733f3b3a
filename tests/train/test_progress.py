import pytest

from train.progress import bar


def test_away_from_a_terminal_there_are_only_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("captures", 2) as shown:
        shown.advance("one")
        shown.say("two [bold]: cannot be read")
    assert capsys.readouterr().err == "two [bold]: cannot be read\n"


def test_a_terminal_shows_what_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with bar("captures", 2) as shown:
        shown.advance("one")
        shown.advance("two")
    assert "2/2" in capsys.readouterr().err
