from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from detector.errors import UsageError
from tests.train import samples
from train.recipe import all_of, features_of, options, recipe, seeds_of, sides_of
from train.settings import PAPER, Choice, FitSettings
from train.worth import Group, Measured, Worth

pytestmark = pytest.mark.tensorflow


def write_worth(path: Path) -> Path:
    def cost(loss: float) -> dict[str, Measured]:
        return {"cnn": Measured(loss=loss, spread=0.0, macro_f1=0.0)}

    groups = (
        Group(features=("tcp", "udp"), worth=cost(0.5), alone={"tcp": cost(0.1), "udp": cost(0.2)}),
        Group(features=("icmp",), worth=cost(0.3), alone={"icmp": cost(0.3)}),
    )
    found = Worth(judged_on=("sgr",), windows=10, losses={"cnn": 0.4}, groups=groups)
    path.write_text(found.model_dump_json())
    return path


def test_an_option_changes_a_preset() -> None:
    choice = recipe(preset="paper", network="cnn", balance="smote", epochs=3)
    expected = PAPER.model_copy(update={"network": "cnn", "balance": "smote", "epochs": 3})
    assert choice == Choice(settings=expected)


def test_a_file_is_taken_with_who_chose_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(Choice(settings=FitSettings(batch=64), chosen_on=("iti",)).model_dump_json())
    choice = recipe(preset="iotids", file=path, features="best:2", worth=write_worth(tmp_path / "w.json"))
    assert choice.settings == FitSettings(batch=64, features=("udp", "tcp"))
    assert choice.chosen_on == ("iti", "sgr")
    said = options(choice.settings, preset="iotids", file=path)
    assert said[0] == "--settings settings.json"
    assert "--features udp,tcp" in said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("best:0", "expected best:1 to best:"),
        ("best:many", "expected best:1 to best:"),
        ("best:5", "needs --worth FILE"),
        ("tcp,upd", "--features upd: expected one of bidirectional_duration_ms"),
    ],
)
def test_features_that_cannot_be_are_one_line(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        features_of(text, None)


def test_features_are_named_with_commas() -> None:
    assert features_of("tcp, udp", None) == (("tcp", "udp"), ())


def test_seeds_are_whole_numbers_each_once() -> None:
    assert seeds_of("3, 1,3") == (3, 1)
    for text in ("", "1,", "-1", "x", str(2**32), ",".join("1" * 101)):
        with pytest.raises(UsageError, match="expected up to 100 whole numbers"):
            seeds_of(text)


def test_a_run_of_all_origins_has_none_to_validate_on() -> None:
    said = all_of(2, validate=None, aside=["a", "b"])
    assert said == ["--fold-run FOLD_0", "--fold-run FOLD_1", "--aside a", "--aside b"]
    with pytest.raises(
        UsageError, match="--validate a: with --fold-run every origin is learnt from; name with"
    ):
        all_of(2, validate=["a"], aside=None)


def test_who_is_taught_validates_by_nothing(tmp_path: Path) -> None:
    samples.write_data(tmp_path, origins=4, each=5)
    split, said = sides_of(tmp_path, folds=3, fold=1, teachers=2)
    assert split.validate == frozenset()
    assert said == ["--folds 3", "--fold 1", "--teacher RUN_0", "--teacher RUN_1"]
    split, said = sides_of(tmp_path, folds=3, fold=1, test=["origin-1"], teachers=1)
    assert split.test == {"origin-1"}
    assert said == ["--test origin-1", "--teacher RUN_0"]
    with pytest.raises(UsageError, match="--validate origin-0: with --teacher the temperature is theirs"):
        sides_of(tmp_path, folds=3, fold=1, validate=["origin-0"], teachers=1)
    assert all_of(1, validate=None, aside=None, teachers=1) == ["--fold-run FOLD_0", "--teacher RUN_0"]


def test_sides_are_those_of_the_options_and_said_again(tmp_path: Path) -> None:
    samples.write_data(tmp_path, origins=4, each=1)
    split, said = sides_of(tmp_path, folds=5, fold=0, validate=["origin-0"], test=["origin-1"])
    assert (*split.validate, *split.test) == ("origin-0", "origin-1")
    assert said == ["--validate origin-0", "--test origin-1"]
    split, said = sides_of(tmp_path, folds=3, fold=1, always_train=["origin-2"])
    assert "origin-2" in split.train
    assert said == ["--folds 3", "--fold 1", "--always-train origin-2"]
    split, said = sides_of(tmp_path, folds=3, fold=1, aside=["origin-2"])
    assert split.aside == {"origin-2"}
    assert said == ["--folds 3", "--fold 1", "--aside origin-2"]
    with pytest.raises(UsageError, match="--test needs --validate"):
        sides_of(tmp_path, folds=3, fold=0, test=["origin-1"])


def test_unknown_presets_and_networks_are_told_the_known() -> None:
    with pytest.raises(UsageError, match="--preset mine: expected one of iotids, paper"):
        recipe(preset="mine")
    with pytest.raises(UsageError, match="--network rnn: expected one of cnn-lstm, "):
        recipe(preset="iotids", network="rnn")
