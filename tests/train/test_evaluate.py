import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.bundle import Thresholds, Training
from detector.errors import UsageError
from tests.train import samples
from train import evaluate
from train.datasets import Index
from train.evaluate import Evaluation, QuietPart, evaluate_runs
from train.ordinary import Ordinary
from train.outcomes import CURVE
from train.record import FIGURES, MODEL, RUN, Run, origins_of
from train.split import Split
from train.survey import Surveyed

pytestmark = pytest.mark.tensorflow

LENGTH, FEATURES = samples.LENGTH, len(samples.schema().names)


def write_run(
    directory: Path, index: Index, *, test: str, seed: int, steep: float, network: str = "tiny"
) -> Path:
    """Write a run whose model tells the made-up classes apart by the newest flow, more or less surely."""
    given = keras.layers.Input((LENGTH, FEATURES))
    signal = keras.ops.log(given[:, -1, samples.SIGNAL : samples.SIGNAL + 1] + 1.0)
    levels = np.log(np.array(samples.LEVELS, np.float32) + 1.0)
    logits = -steep * keras.ops.square(signal - levels)
    directory.mkdir(parents=True)
    keras.Model(given, keras.layers.Softmax()(logits)).save(directory / MODEL)
    origins = frozenset(index.origins)
    validate = next(iter(sorted(origins - {test})))
    split = Split(origins - {test, validate}, frozenset({validate}), frozenset({test}))
    run = Run(
        network=network,
        training=Training(command="none", seeds=(seed,), versions={}, origins=origins_of(index, split)),
        features=index.features,
        meter=index.meter,
        window=index.window,
        temperature=1.0,
        thresholds=Thresholds(benign=0.5, recon=0.6, dos=0.6, ddos=0.6),
        history={},
    )
    (directory / RUN).write_text(run.model_dump_json())
    return directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of two seeds; the first seed has learnt nothing."""
    folder = tmp_path_factory.mktemp("runs")
    index = samples.write_data(folder / "data", origins=3, each=12)
    for seed, steep in ((1, 0.0), (2, 5.0)):
        for test in ("origin-0", "origin-1"):
            write_run(folder / f"{test}-{seed}", index, test=test, seed=seed, steep=steep)
    write_run(folder / "other", index, test="origin-2", seed=1, steep=1.0, network="another")
    return folder


def evaluated(
    folder: Path, *names: str, survey: Mapping[str, Surveyed] | None = None, ablate: tuple[str, ...] = ()
) -> Evaluation:
    return evaluate_runs(
        folder / "data",
        [folder / name for name in names],
        cap_windows=10,
        with_baselines=False,
        ablate=ablate,
        survey=survey,
        say=lambda _: None,
    )


def test_folds_are_pooled(folder: Path) -> None:
    found = evaluated(folder, "origin-0-2", "origin-1-2")
    assert list(found.figures) == ["tiny, 2 models"]
    assert {one.origin for one in found.captures} == {"origin-0", "origin-1"} == found.origins.keys()
    assert (found.seeds, found.spread, len(found.curve)) == ((2,), {}, len(CURVE))
    assert np.array(found.confusion).sum() == 2 * 4 * 10
    assert json.loads((folder / "origin-0-2" / FIGURES).read_text()) == found.figures


def test_seeds_give_mean_and_spread(folder: Path) -> None:
    names = ["origin-0-1", "origin-1-1", "origin-0-2", "origin-1-2"]
    alone = [evaluated(folder, *names[:2]), evaluated(folder, *names[2:])]
    together = evaluated(folder, *names)
    each = [found.figures["tiny, 2 models"]["macro_f1"] for found in alone]
    assert each[0] < each[1]
    assert together.figures["tiny, 2 models"]["macro_f1"] == pytest.approx(np.mean(each))
    assert together.spread["macro_f1"] == pytest.approx(np.std(each, ddof=1))
    assert together.columns()["tiny, 2 models, spread over seeds"] == together.spread
    assert together.seeds == (1, 2)
    assert len(together.captures) == 2 * len(alone[0].captures)


def test_what_the_past_is_worth_is_told_beside_the_network(folder: Path) -> None:
    found = evaluated(folder, "origin-0-2", ablate=("last-flow", "shuffled"))
    assert list(found.figures) == ["tiny", "tiny, last-flow", "tiny, shuffled"]
    f1 = [measured["macro_f1"] for measured in found.figures.values()]
    assert f1[0] == f1[1]  # this one looks at the last flow alone


def test_figures_stand_with_and_without_unsupported_labels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "ordinary_of", lambda *_, **__: None)  # of windows see below
    quiet = {"packets_1s": 5.0}
    survey = {
        f"origin-0/{category}": Surveyed(
            f"origin-0/{category}", "origin-0", category, 30, 99, 3600.0, 2, None, reached, reached
        )
        for category, reached in (
            ("Benign", quiet),
            ("DoS", quiet),
            ("DDoS", {"packets_1s": 900.0}),
            ("Recon", {"ports_1s": 90.0}),
        )
    }
    found = evaluated(folder, "origin-0-2", survey=survey)
    assert [doubt.capture for doubt in found.doubts] == ["origin-0/DoS"]
    assert found.figures["tiny"]["captures_DoS"] == 1
    assert "recall_DoS" in found.figures["tiny"]
    assert not {"captures_DoS", "recall_DoS"} & set(found.without_doubts)
    assert found.without_doubts["recall_Recon"] == found.figures["tiny"]["recall_Recon"]
    assert found.without_doubts["captures_Recon"] == 1
    assert found.columns() == {**found.figures, "tiny, without unsupported labels": found.without_doubts}
    assert found.figures["tiny"]["benign_device_days"] == pytest.approx(2 / 24)


def test_figures_stand_with_and_without_windows_that_show_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By these limits floods show nothing, and scans do."""
    names = ("ports", "unanswered", "recent_ports", "recent_unanswered", "peers", "recent_peers")
    limits = dict.fromkeys(("recent_flows", "recent_packets", *names), (1e9, 1e9)) | {"ports": (2.0, 2.0)}
    monkeypatch.setattr(evaluate, "ordinary_of", lambda *_, **__: Ordinary(limits))
    shown = {"packets_1s": 900.0}
    survey = {"x": Surveyed("x", "x", "Benign", 30, 99, 3600.0, 2, None, shown, shown)}
    found = evaluated(folder, "origin-0-2", survey=survey)
    assert found.quiet == [QuietPart("origin-0/DDoS", 10, 10), QuietPart("origin-0/DoS", 10, 10)]
    assert "recall_DoS" in found.figures["tiny"]
    assert not {"recall_DoS", "recall_DDoS"} & set(found.without_doubts)
    assert found.without_doubts["recall_Recon"] == found.figures["tiny"]["recall_Recon"]
    assert found.without_doubts["captures_DoS"] == 1  # the capture as a whole shows it


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("origin-0-1", "copy"), "two runs of one seed test on the same origin"),
        (("origin-0-1", "origin-1-2"), "test other origins than those of another"),
        (("origin-0-1", "other"), "got runs of another, tiny; evaluate one network at a time"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(
    folder: Path, names: tuple[str, ...], complaint: str
) -> None:
    shutil.copytree(folder / "origin-0-1", folder / "copy", dirs_exist_ok=True)
    with pytest.raises(UsageError, match=complaint):
        evaluated(folder, *names)
