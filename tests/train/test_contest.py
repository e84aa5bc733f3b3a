from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("lightgbm")

from detector.bundle import Thresholds, Training
from detector.errors import UsageError
from detector.records import Role
from tests.train import samples
from train.contest import Bench, Contender, ablated, judge, model_file, quiet_thresholds
from train.datasets import Dataset, Index
from train.outcomes import CURVE
from train.record import Run, origins_of
from train.settings import PAPER
from train.split import Split

pytestmark = pytest.mark.tensorflow

EVEN = Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5)
SPLIT = Split(frozenset({"origin-0", "origin-1"}), frozenset({"origin-2"}), frozenset({"origin-3"}))


class Levels:
    """Tells the classes of made-up windows apart, as `samples` makes them."""

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        levels = np.log(np.array(samples.LEVELS))
        signal = np.log(np.maximum(sequences[:, -1, samples.SIGNAL], 1.0))
        nearest = np.abs(signal[:, None] - levels).argmin(axis=1)
        return np.where(np.arange(4) == nearest[:, None], 0.97, 0.01).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def index(data: Path) -> Index:
    return samples.write_data(data, origins=4, each=20)


@pytest.fixture(scope="module")
def bench(data: Path, index: Index) -> Bench:
    run = Run(
        network="levels",
        training=Training(command="none", seeds=(3,), versions={}, origins=origins_of(index, SPLIT)),
        features=index.features,
        meter=index.meter,
        window=index.window,
        temperature=1.0,
        thresholds=Thresholds(benign=0.5, recon=0.6, dos=0.6, ddos=0.6),
        history={},
    )
    return Bench(data, index, run, 15)


def test_a_contender_is_judged_on_the_test_side_alone(bench: Bench) -> None:
    found = judge(bench.tell(Contender("levels", Levels(), bench.run.thresholds)), {})
    assert set(found.origins) == {"origin-3"}
    assert len(found.labels) == 4 * 15
    assert (found.probabilities.argmax(axis=1) == found.labels).all()
    assert {one.capture: one.right for one in found.captures} == {
        "origin-3/Benign": True,
        "origin-3/DDoS": False,  # one peer is no distributed flood: the policy calls it DoS
        "origin-3/DoS": True,
        "origin-3/Recon": True,
    }


def test_thresholds_apply_to_what_the_policy_makes_of_it(bench: Bench) -> None:
    told = bench.tell(Contender("levels", Levels(), bench.run.thresholds))
    facts = told.facts.copy()
    facts["role"] = Role.TARGET
    found = judge(replace(told, facts=facts), {})
    weighed = np.where(found.labels == 1, 2, found.labels)  # one peer is no distributed flood
    assert (found.probabilities.argmax(axis=1) == found.labels).all()
    assert (found.weighed.argmax(axis=1) == weighed).all()
    assert (found.reached == (np.arange(4) == weighed[:, None])).all()


def test_the_curve_of_recon_is_taken_capture_by_capture(bench: Bench) -> None:
    found = judge(bench.tell(Contender("levels", Levels(), bench.run.thresholds)), {})
    opened = dict(found.recon)
    assert opened.keys() == {"Benign", "Recon"}
    assert opened["Recon"] == tuple(at <= 0.97 for at in CURVE)
    assert not any(opened["Benign"])


def test_rivals_learn_from_the_training_side_and_are_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.contest.PAPER", PAPER.model_copy(update={"epochs": 1}))
    said: list[str] = []
    rivals = list(bench.baselines(["last-flow"], said.append, alone=False))
    assert [rival.name for rival in rivals] == [
        "random forest",
        "LightGBM",
        "LightGBM, last-flow",
        "paper-cnn",
        "paper-cnn-lstm",
        "rate rule",
    ]
    judged = [judge(bench.tell(rival), {}) for rival in rivals[:3]]
    assert all((one.probabilities.argmax(axis=1) == one.labels).mean() > 0.9 for one in judged)
    assert len(said) == 5
    assert {rival.thresholds for rival in rivals} == {EVEN}


def test_a_rival_of_a_run_judged_alone_gets_thresholds_by_validation_origins(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, asked = Thresholds(benign=0.1, recon=0.7, dos=0.8, ddos=0.9), []

    def choose(_data: Path, _index: Index, _scorer: object, **sides: frozenset[str]) -> Thresholds:
        asked.append(sides)
        return chosen

    monkeypatch.setattr("train.contest.quiet_thresholds", choose)
    assert next(bench.baselines([], lambda _: None, alone=True)).thresholds == chosen
    assert asked == [{"validate": bench.run.side("validate"), "aside": frozenset()}]


def test_where_nothing_validates_rivals_have_limits_from_training_and_even_thresholds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tuple(origin for origin in bench.run.training.origins if origin.side != "validate")
    taught = bench.run.training.model_copy(update={"origins": known})
    alone = replace(bench, run=bench.run.model_copy(update={"training": taught}), _sides={})
    asked: list[Dataset] = []

    def choose(windows: Dataset) -> Levels:
        asked.append(windows)
        return Levels()

    monkeypatch.setattr("train.contest.rate_rule.choose", choose)
    monkeypatch.setattr("train.contest.PAPERS", ())
    rivals = list(alone.baselines([], lambda _: None, alone=True))
    assert [rival.name for rival in rivals] == ["random forest", "LightGBM", "rate rule"]
    assert {rival.thresholds for rival in rivals} == {EVEN}
    assert [len(windows) for windows in asked] == [len(alone.lesson())]


def test_an_ablated_network_keeps_its_thresholds(bench: Bench) -> None:
    (poorer,) = ablated(Contender("levels", Levels(), bench.run.thresholds), ["shuffled"])
    assert (poorer.name, poorer.thresholds) == ("levels, shuffled", bench.run.thresholds)
    found = bench.tell(poorer)
    assert (found.probabilities.argmax(axis=1) == found.labels).mean() > 0.5


def test_thresholds_are_those_at_which_validation_is_quiet(data: Path, index: Index) -> None:
    class Recon(Levels):
        """Takes everything for a scan, with 0.8."""

        def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.tile(np.array([0.2, 0, 0, 0.8], np.float32), (len(sequences), 1))

    quiet, loud = (
        {"validate": {"origin-2"}, "aside": set[str]()},
        {"validate": set[str](), "aside": {"origin-2"}},
    )
    assert quiet_thresholds(data, index, Levels(), **quiet).recon == 0.5
    assert quiet_thresholds(data, index, Recon(), **quiet).recon > 0.8
    assert quiet_thresholds(data, index, Recon(), **loud).recon > 0.8


def test_a_run_without_its_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.keras: is missing; run iotids-train fit"):
        model_file(tmp_path)
