from importlib.metadata import version
from pathlib import Path

import pytest

from detector.bundle import MeterSettings, Thresholds, Training, WindowSettings
from detector.errors import UsageError
from tests.train import samples
from train.record import RUN, Run, origins_of, read_run, versions
from train.split import Split


def run() -> Run:
    entries = [samples.entry("a", "DoS"), samples.entry("a", "Benign"), samples.entry("b", "Recon")]
    entries.append(samples.entry("a", "Benign", capture="second", licence="CC0"))
    entries += [samples.entry("a", "other"), samples.entry("c", "other")]
    split = Split(frozenset("ac"), frozenset(), frozenset("b"))
    origins = origins_of(samples.index(*entries), split)
    return Run(
        network="cnn",
        training=Training(command="iotids-train fit", seeds=(1,), versions=versions(), origins=origins),
        features=samples.schema(),
        meter=MeterSettings(),
        window=WindowSettings(),
        temperature=1.0,
        thresholds=Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5),
        history={"loss": [1.0, 0.5]},
    )


def test_a_run_survives_its_own_json(tmp_path: Path) -> None:
    (tmp_path / RUN).write_text(run().model_dump_json())
    assert read_run(tmp_path) == run()


def test_origins_are_summed_up_by_side() -> None:
    first, second = run().training.origins
    assert (first.name, first.side, first.captures) == ("a", "train", {"Benign": 2, "DoS": 1})
    assert (first.licence, first.windows) == ("CC0, MIT", 30)
    assert (second.name, second.side) == ("b", "test")
    assert run().side("test") == {"b"}
    assert run().side("validate") == frozenset()


@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / RUN).write_bytes(content)
    with pytest.raises(UsageError, match=r"^[^\n]*run iotids-train fit$"):
        read_run(tmp_path)


def test_versions_are_those_installed() -> None:
    assert versions()["numpy"] == version("numpy")
