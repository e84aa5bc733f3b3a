from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.bundle import Origin, Thresholds, Training
from detector.errors import UsageError
from detector.features import SCHEMA
from tests import rules
from tests.command import PCAPS
from tests.train import samples
from train.crossfit import cooled
from train.curves import AS_IS, LADDERS, read_evasion
from train.evade import Judge, judges_of, measure, plan
from train.record import MODEL, RUN, Run
from train.sources import CaptureSource
from train.trial import Trial

pytestmark = pytest.mark.tensorflow

SCAN = CaptureSource(
    PCAPS / "scan-among-devices.pcap", "own/scan", "own", "Recon", "MIT", PCAPS / "scan-among-devices.json"
)
FLOOD = CaptureSource(
    PCAPS / "udp-flood-one-source.pcap", "lab/flood", "lab", "DoS", "MIT", PCAPS / "udp-flood-one-source.json"
)
QUIET = CaptureSource(PCAPS / "quiet-home.pcap", "own/quiet", "own", "Benign", "MIT", 0)


def write_run(directory: Path, *tested: str, length: int = rules.LENGTH) -> Path:
    """Write a run whose model is the rules of `tests.rules`, and that tested on the named origins."""
    conditions, offsets, logits, biases = rules._layers()
    given = keras.layers.Input((length, len(SCHEMA)))
    held = keras.layers.Dense(len(offsets))
    sums = keras.layers.Dense(len(biases), activation="softmax")
    directory.mkdir(parents=True)
    model = keras.Model(given, sums(keras.ops.clip(held(given[:, -1]), 0.0, 1.0)))
    held.set_weights([conditions, offsets])
    sums.set_weights([logits, biases])
    model.save(directory / MODEL)
    index = samples.index()
    origins = tuple(
        Origin(
            name=name, side="test", licence="MIT", captures={"Recon": 1}, windows=1, digest=f"sha256:{0:064}"
        )
        for name in tested
    )
    run = Run(
        network="rules",
        training=Training(command="none", seeds=(1,), versions={}, origins=origins),
        features=index.features,
        meter=index.meter,
        window=index.window.model_copy(update={"length_flows": length}),
        temperature=1.0,
        thresholds=Thresholds(benign=0.5, recon=0.6, dos=0.6, ddos=0.6),
        history={},
    )
    (directory / RUN).write_text(run.model_dump_json())
    return directory


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> list[Judge]:
    folder = tmp_path_factory.mktemp("runs")
    return judges_of([write_run(folder / "fold-0", "own"), write_run(folder / "fold-1", "lab", "other")])


def planned(
    judges: list[Judge], *sources: CaptureSource, each: int = 2, most: int = 9, seed: int = 0
) -> list[Trial]:
    limits = {"each": each, "most": most, "largest_bytes": 1_000_000}
    return plan(sources, judges, evasions=["decoys", "loss"], seed=seed, **limits)


def test_each_capture_is_drawn_as_it_is_and_in_every_disguise(judges: list[Judge]) -> None:
    trials = planned(judges, SCAN, FLOOD, QUIET)
    assert [trial[:3] for trial in trials] == [
        (SCAN, AS_IS, 0.0),
        *((SCAN, "decoys", strength) for strength in LADDERS["decoys"].recon),
        *((SCAN, "loss", strength) for strength in LADDERS["loss"].recon),
        (FLOOD, AS_IS, 0.0),
        *((FLOOD, "loss", strength) for strength in LADDERS["loss"].floods),
    ]


def test_no_more_than_asked_are_drawn_and_the_seed_says_which(judges: list[Judge]) -> None:
    many = [CaptureSource(SCAN.path, f"own/{number}", "own", "Recon", "MIT", 3) for number in range(20)]
    drawn = [{trial.source.name for trial in planned(judges, *many, seed=seed)} for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(names) for names in drawn] == [2, 2, 2]


def test_origins_take_turns(judges: list[Judge]) -> None:
    many = [
        CaptureSource(SCAN.path, f"{origin}/{number}", origin, "Recon", "MIT", 3)
        for origin, count in (("own", 5), ("lab", 5), ("other", 1))
        for number in range(count)
    ]
    drawn = list(dict.fromkeys(trial.source for trial in planned(judges, *many, each=3, most=6)))
    assert len(drawn) == 6
    assert {source.origin for source in drawn[:3]} == {"own", "lab", "other"}
    assert sorted(source.origin for source in drawn[3:]) in (["lab", "lab", "own"], ["lab", "own", "own"])


def test_what_no_run_tests_on_is_not_drawn(judges: list[Judge]) -> None:
    stranger = CaptureSource(SCAN.path, "x/scan", "x", "Recon", "MIT", 3)
    with pytest.raises(UsageError, match="no capture of an attack comes from an origin that a run tests on"):
        planned(judges, stranger, QUIET)
    with pytest.raises(UsageError, match="no capture of an attack"):
        plan([SCAN], judges, evasions=["loss"], each=1, most=1, largest_bytes=1000, seed=0)


def test_runs_of_other_windows_are_refused(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(length), "own", length=length) for length in (16, 32)]
    with pytest.raises(UsageError, match="different timeouts or windows"):
        judges_of(runs)
    with pytest.raises(UsageError, match="run iotids-train fit"):
        judges_of([tmp_path / "none"])


def test_detection_is_measured_and_not_twice(judges: list[Judge], tmp_path: Path) -> None:
    """The rules see a scan of many ports among decoys too, and a flood that loses packets."""
    trials = [
        trial
        for trial in planned(judges, SCAN, FLOOD)
        if (trial.evasion, trial.strength) in {(AS_IS, 0.0), ("decoys", 5.0), ("loss", 0.1)}
    ]
    out, done = tmp_path / "evasion.json", list[str]()
    found = measure(trials, judges, out, done=done.append)
    assert done == [trial.source.name for trial in trials]
    assert found == read_evasion(out)
    assert [(row.evasion, row.outcome.category, row.run) for row in found.rows] == [
        (AS_IS, "Recon", "fold-0"),
        ("decoys", "Recon", "fold-0"),
        ("loss", "Recon", "fold-0"),
        (AS_IS, "DoS", "fold-1"),
        ("loss", "DoS", "fold-1"),
    ]
    assert all(row.outcome.right for row in found.rows)
    late = [row.outcome.latency_ms for row in found.rows]
    assert all(each is not None and 0 <= each < 5000 for each in late)
    assert found.rows[1].packets > 3 * found.rows[0].packets
    assert {(curve.evasion, curve.category) for curve in found.curves} == {
        ("decoys", "Recon"),
        ("loss", "Recon"),
        ("loss", "DoS"),
    }
    before = out.stat().st_mtime_ns
    for judge in judges:
        judge.__dict__["scorer"] = None  # nothing is scored
    again = measure(trials, judges, out)
    for judge in judges:
        del judge.__dict__["scorer"]
    assert again == found
    assert out.stat().st_mtime_ns > before


def test_another_runs_temperature_and_thresholds_count(tmp_path: Path) -> None:
    fold, final = write_run(tmp_path / "fold", "own"), write_run(tmp_path / "final", "lab")
    silent = Thresholds(benign=0.0, recon=1.0, dos=1.0, ddos=1.0)
    told = Run.model_validate_json((final / RUN).read_text())
    changed = told.model_copy(update={"temperature": 2.0, "thresholds": silent})
    (final / RUN).write_text(changed.model_dump_json())
    (own,), (strict,) = judges_of([fold]), judges_of([fold], final)
    assert own.digest != strict.digest
    sequences = np.zeros((1, rules.LENGTH, len(SCHEMA)), np.float32)
    assert strict.score(sequences) == pytest.approx(cooled(own.score(sequences), 2.0))
    assert strict.score(sequences).max() < own.score(sequences).max()
    trials = planned([own], SCAN)[:1]
    rows = [
        measure(trials, [judge], tmp_path / f"{number}.json").rows
        for number, judge in enumerate((own, strict))
    ]
    assert [row.outcome.right for (row,) in rows] == [True, False]


def test_what_cannot_be_read_is_left_out_and_said(judges: list[Judge], tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"GIF89a")
    damaged = CaptureSource(path, "own/x", "own", "Recon", "MIT", 3)
    trials = planned(judges, damaged)[:2]
    found = measure(trials, judges, tmp_path / "evasion.json")
    assert found.rows == []
    assert list(found.left_out) == ["own/x, none 0", "own/x, decoys 1"]
    assert "x.pcap" in found.left_out["own/x, none 0"]


def test_a_process_of_its_own_gives_the_same(judges: list[Judge], tmp_path: Path) -> None:
    trials = planned(judges, SCAN)[:2]
    alone = measure(trials, judges, tmp_path / "a.json")
    assert measure(trials, judges, tmp_path / "b.json", jobs=2) == alone
    assert np.all([row.windows > 0 for row in alone.rows])
