"""The whole of `iotids-train paper`, on a generated folder; its report, pictures, models and errors."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

from detector.cli import run_app
from tests.command import SCAN, Done
from tests.train.paper import generated, samples
from train.cli import app
from train.paper import trees, variants
from train.paper.report import Report, page
from train.paper.saved import load

pytestmark = pytest.mark.tensorflow


def paper(*arguments: str | Path) -> int:
    return run_app(lambda given: app(given, standalone_mode=False), ["paper", *map(str, arguments)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    generated.write(folder, 4000)
    return folder


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every kind of question, but of two variants only."""
    directory = tmp_path_factory.mktemp("run") / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trees, "_ROUNDS", 5)
        patched.setattr("train.paper.run.QUESTIONS", (variants.PUBLISHED, variants.QUESTIONS[-1]))
        options = ("--fast", "--epochs", "1", "--questions", "same")
        assert paper("--data", data, "--out", directory, *options) == 0
    return directory


@pytest.fixture(scope="module")
def report(out: Path) -> Report:
    return Report.model_validate_json((out / "report.json").read_bytes())


def test_the_run_leaves_report_models_and_work(out: Path) -> None:
    assert samples.names(out) == {"report.html", "report.json", "models", "work"}
    assert samples.names(out / "models") == {"cnn", "cnn-lstm"}


def test_the_table_has_both_networks_and_both_forests_on_the_same_rows(report: Report) -> None:
    assert [result.model for result in report.results] == ["cnn", "cnn-lstm", "random forest", "LightGBM"]
    assert {result.test_rows for result in report.results} == {report.test_rows}
    assert report.train_rows + report.validate_rows + report.test_rows == report.rows - sum(
        report.left_out.values()
    )
    assert set(report.left_out) == {"MQTT-Malformed_Data", "ARP_Spoofing"}
    assert report.test_rows == pytest.approx(0.2 * (report.rows - sum(report.left_out.values())), abs=1)


def test_every_question_is_answered(report: Report) -> None:
    asked = report.questions
    assert asked is not None
    assert asked.duplicates.repeated / asked.duplicates.rows == pytest.approx(generated.REPEATED, abs=0.05)
    assert asked.across["random"].test_in_train > 0 == asked.across["folders"].test_in_train
    assert asked.clock.alone.accuracy > 0.95, "the generated clock names the class"
    assert asked.window.columns == ("Number", "Weight")
    assert asked.attack_share == pytest.approx(0.97, abs=0.02)
    assert asked.majority.balanced["accuracy"] == pytest.approx(0.25)
    assert [(line.variant, line.model) for line in asked.table] == [
        (variant, model)
        for variant in ("as published", "without any of these")
        for model in ("cnn", "cnn-lstm", "random forest", "LightGBM")
    ]
    assert asked.table[:4] == report.results


def test_the_page_needs_nothing_else_and_says_it_all(out: Path, report: Report) -> None:
    html = (out / "report.html").read_text()
    assert re.findall(r'(?:src|href)="(?!data:|https://www\.unb\.ca)', html) == []
    assert html.count('src="data:image/svg+xml;base64,') == 4
    assert "<script" not in html
    for shown in (
        "94.00%",
        "97.00%",
        "These are not the paper's settings",
        f"{report.results[0].scores.accuracy:.2%}",
        f"{report.missing['Weight']:,}",
        "ARP_Spoofing",
        'One row, "in real time"',
        "every class weighing the same",
    ):
        assert shown in html


def test_a_class_name_cannot_become_markup(report: Report) -> None:
    nasty = report.sample.model_copy(update={"told": "<script>alert(1)</script>"})
    html = page(report.model_copy(update={"sample": nasty, "questions": None}))
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_the_saved_model_is_the_one_that_was_judged(out: Path, report: Report) -> None:
    for result in report.networks:
        assert load(out / "models" / result.model).about.scores == result.scores


def test_the_detector_refuses_it(out: Path, detect: Callable[..., Done]) -> None:
    for path in (out, out / "models" / "cnn-lstm", out / "models" / "cnn" / "model.keras"):
        done = detect("--pcap", SCAN, bundle=path)
        assert (done.code, done.err.count(b"\n")) == (4, 1)
        assert b"its features are packet-window statistics, not flows" in done.err


def test_a_run_started_again_only_writes_the_report(
    out: Path, data: Path, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "report.html").unlink()
    options = ("--fast", "--epochs", "1", "--questions", "none")
    assert paper("--data", data, "--out", out, *options) == 0
    told = capsys.readouterr()
    assert "epoch" not in told.err
    assert "read" not in told.err
    assert told.out.startswith(f"cnn: accuracy {report.results[0].scores.accuracy:.4f}, precision ")
    again: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert again["results"] == json.loads(report.model_dump_json())["results"]
    assert (out / "report.html").exists()


def bad_number(folder: Path) -> None:
    path = folder / "test" / "Benign_test.pcap.csv"
    path.write_text(path.read_text() + "oops" + ",1" * 44 + "\n")


def no_column(folder: Path) -> None:
    path = folder / "train" / "Benign_train.pcap.csv"
    path.write_text(path.read_text().replace("IAT", "Time", 1))


def no_label(folder: Path) -> None:
    (folder / "train" / "Mirai_train.pcap.csv").touch()


def empty(folder: Path) -> None:
    (folder / "test" / "Benign_test.pcap.csv").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (bad_number, "column Header_Length: 'oops' is no number"),
        (no_column, "has no column 'IAT', but 'Time'"),
        (no_label, "carries no label; expected <label>_train.pcap.csv"),
        (empty, "is empty; fetch the file again"),
    ],
)
def test_bad_data_is_one_line_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], complaint: str
) -> None:
    generated.write(tmp_path / "data", 0)
    damage(tmp_path / "data")
    assert paper("--data", tmp_path / "data", "--out", tmp_path / "out") == 2
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("read ")]
    assert len(told) == 1
    assert complaint in told[0]
    assert not list((tmp_path / "out").rglob("*.*"))


def test_an_out_that_cannot_be_written_is_one_line(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert paper("--data", data, "--out", tmp_path / "file") == 2
    assert "cannot be written (Not a directory); name an --out" in capsys.readouterr().err


def test_wrong_options_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert paper("--data", tmp_path, "--out", tmp_path, "--classes", "5") == 2
    assert capsys.readouterr().err == "error: --classes 5: it should be 2, 4, 6 or 19\n"
    assert paper("--data", tmp_path, "--out", tmp_path) == 2
    assert "has no folders train/ and test/" in capsys.readouterr().err
