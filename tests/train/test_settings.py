from pathlib import Path

import pytest

from detector.errors import UsageError
from train.settings import PAPER, PRESETS, Choice, FitSettings, changed, read_choice, require


def test_settings_survive_their_file(tmp_path: Path) -> None:
    choice = Choice(settings=FitSettings(epochs=7, features=("tcp", "udp")), chosen_on=("sgr",))
    path = tmp_path / "settings.json"
    path.write_text(choice.model_dump_json())
    assert read_choice(path) == choice


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "settings.json: no settings"),
        ("[]", "settings.json: no settings"),
        ('{"settings": {"epoch": 3}}', "settings.epoch: Extra inputs"),
        ('{"settings": {"epochs": 0}}', "settings.epochs: .*got '0'"),
        ('{"settings": {"size": {"filters": 1000000}}}', "settings.size.filters"),
    ],
)
def test_what_is_no_setting_is_one_line(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=complaint) as found:
        read_choice(path)
    assert "\n" not in str(found.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: no settings"):
        read_choice(tmp_path / "none.json")


def test_only_what_is_given_changes() -> None:
    assert changed(PAPER, epochs=None, batch=64) == PAPER.model_copy(update={"batch": 64})
    with pytest.raises(UsageError, match=r"balance: .*got 'luck'"):
        changed(PAPER, balance="luck")


def test_the_paper_s_training_is_plain() -> None:
    assert PRESETS["paper"] is PAPER
    assert (PAPER.batch, PAPER.epochs, PAPER.balance, PAPER.benign_weight) == (32, 10, "none", 1.0)
    assert (PAPER.weight_decay, PAPER.label_smoothing, PAPER.clip_norm, PAPER.falling) == (0, 0, None, False)


def test_an_unknown_name_is_told_the_known_ones() -> None:
    require("--network", "cnn", ["cnn", "summary"])
    with pytest.raises(UsageError, match="--network rnn: expected one of cnn, summary"):
        require("--network", "rnn", ["cnn", "summary"])
