"""Taking over what was read again, between two turns; `tests/live/test_reload.py` has a daemon do it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from detector.bundle import MeterSettings
from detector.config import Config, ThresholdConfig
from detector.errors import BundleError, ConfigError
from detector.logs import LOGGER
from detector.metrics import families
from detector.notify import Notifier
from detector.pipeline import Pipeline
from detector.reload import Prepared, Reload, check_same_shape
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from tests import rules
from tests.listener import Listener, listening
from tests.network import until

OK = families.CONFIG_RELOADED
AT = families.CONFIG_RELOAD_TIME


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path) as listener:
        yield listener


@pytest.fixture
def pipeline(rule_bundle: Path) -> Pipeline:
    config = Config(bundle=str(rule_bundle))
    bundle = open_bundle(config)
    return Pipeline(config, bundle, OnnxScorer(bundle), SinkSet([], LOGGER))


def reloading(pipeline: Pipeline, manager: Listener, prepare: Callable[[], Prepared]) -> Reload:
    """Return a reload that somebody has asked for once."""
    asked = iter([True])
    notifier = Notifier({"NOTIFY_SOCKET": manager.address})
    return Reload(pipeline, prepare, asked=lambda: next(asked, False), notifier=notifier)


def turns(reload: Reload, manager: Listener) -> None:
    """Take turns until it is over."""

    def over() -> bool:
        reload.turn()
        return "READY=1" in manager.listen()

    try:
        until(over, 5)
    finally:
        reload._notifier.close()


def test_what_was_read_is_taken_over_in_one_turn(
    pipeline: Pipeline, manager: Listener, tmp_path: Path
) -> None:
    other = rules.write(tmp_path / "other", name="other")
    config = Config(bundle=str(other), thresholds=ThresholdConfig(recon=0.9))
    bundle, go_on = open_bundle(config), Event()

    def prepare() -> Prepared:
        go_on.wait()
        return Prepared(config, bundle, OnnxScorer(bundle))

    before = pipeline.bundle
    reload = reloading(pipeline, manager, prepare)
    for _ in range(3):
        reload.turn()  # waits for nothing
    assert pipeline.bundle is before
    assert [line.split("=")[0] for line in manager.listen()] == ["RELOADING", "MONOTONIC_USEC"]
    go_on.set()
    turns(reload, manager)
    assert pipeline.bundle is bundle
    values = pipeline.metrics.values()
    assert values[families.BUNDLE_INFO] == {(bundle.digest, "other"): 1.0}
    assert (values[OK], manager.heard[-1]) == ({(): 1.0}, "READY=1")


@pytest.mark.parametrize("error", [ConfigError("not good"), BundleError("not good")])
def test_what_is_not_good_changes_nothing(error: Exception, pipeline: Pipeline, manager: Listener) -> None:
    def prepare() -> Prepared:
        raise error

    before, at = (pipeline.bundle, pipeline._policy, pipeline._scorer), pipeline.metrics.values()
    reload = reloading(pipeline, manager, prepare)
    started = pipeline.metrics.values()[AT]
    turns(reload, manager)
    assert (pipeline.bundle, pipeline._policy, pipeline._scorer) == before
    values = pipeline.metrics.values()
    assert (values[OK], values[AT]) == ({(): 0.0}, started)
    assert at[OK] == {(): 1.0}


def test_a_defect_is_not_taken_for_a_bad_file(pipeline: Pipeline, manager: Listener) -> None:
    def prepare() -> Prepared:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        turns(reloading(pipeline, manager, prepare), manager)


def test_a_bundle_for_other_flows_needs_a_start(pipeline: Pipeline, tmp_path: Path) -> None:
    slow = rules.write(tmp_path / "slow", name="slow", meter=MeterSettings(idle_timeout_ms=5000))
    bundle = open_bundle(Config(bundle=str(slow)))
    with pytest.raises(BundleError, match="slow: meters or cuts windows otherwise than rules"):
        check_same_shape(pipeline.bundle, bundle)
    check_same_shape(pipeline.bundle, pipeline.bundle)
