"""What is missing is named with what to install."""

import pytest

from detector.errors import UsageError
from train.lab import tools


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tools.PACKAGES, "no-such-scanner", "scanner-tools")
    with pytest.raises(UsageError, match=r"no-such-scanner.*apt-get install .*scanner-tools"):
        tools.require()


def test_programs_of_the_system_folders_are_found_without_them_in_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert tools.find("sh") is not None
    assert tools.find("no-such-scanner") is None
