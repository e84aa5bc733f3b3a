import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.records import FACTS_DTYPE, Category, Role, State, WindowBatch, address_words
from train.tune import ATTACK_GRID, Scored, certain, opens, tune

START_MS = 1_700_000_000_000
DEFAULT = WindowSettings()
CROWD = {"role": Role.TARGET, "flows": 32, "packets": 160, "unanswered": 4, "top_peer_flows": 4}
CROWD |= {"ports": 1, "peers": 9, "recent_flows": 900, "recent_packets": 19_000}


def capture(name: str, rows: list[list[float]], settings: WindowSettings = DEFAULT) -> Scored:
    """Windows of one host, a second apart, that look like a scan, with the given probabilities."""
    facts: NDArray[np.void] = np.zeros(len(rows), FACTS_DTYPE)
    facts["host"], facts["top_peer"] = address_words("10.0.0.66"), address_words("10.0.0.5")
    facts["role"] = Role.SOURCE
    facts["time_ms"] = facts["last_ms"] = START_MS + 1000 * np.arange(len(rows))
    facts["first_ms"] = START_MS
    facts["flows"] = facts["top_peer_flows"] = facts["ports"] = 8
    facts["peers"] = facts["interval_flows"] = 1
    sequences = np.zeros((len(rows), 1, 1), np.float32)
    return Scored(name, WindowBatch(sequences, facts), np.array(rows, np.float32), settings)


QUIET = [0.97, 0.01, 0.01, 0.01]
ALIKE = [0.16, 0.02, 0.02, 0.80]
DOUBTFUL = [0.36, 0.12, 0.12, 0.40]


def test_a_budget_of_nothing_lets_no_benign_capture_speak() -> None:
    benign = [capture("quiet", [QUIET] * 9), capture("alike", [ALIKE] * 9)]
    chosen = tune(benign, false_share=0.0)
    assert chosen.recon > 0.8
    assert not any(opens(each, chosen) for each in benign)


def test_the_lowest_threshold_within_the_budget_is_taken() -> None:
    benign = [capture("alike", [ALIKE] * 9), *(capture(f"quiet-{n}", [QUIET] * 9) for n in range(99))]
    assert tune(benign, false_share=0.01).recon == ATTACK_GRID[0]
    assert tune(benign, false_share=0.005).recon == 0.85


def test_lone_windows_do_not_raise_a_threshold() -> None:
    benign = [capture("blip", [QUIET, QUIET, ALIKE, QUIET, QUIET, QUIET, QUIET, ALIKE, QUIET])]
    assert tune(benign, false_share=0.0).recon == ATTACK_GRID[0]


def test_benign_is_believed_sooner_where_doubt_would_alarm() -> None:
    doubtful = capture("doubtful", [DOUBTFUL] * 9)
    chosen = tune([doubtful], false_share=0.0)
    assert chosen.benign <= 0.36
    assert not opens(doubtful, chosen)


def test_a_class_that_reached_its_threshold_is_certain() -> None:
    low = Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5)
    (alert,) = opens(capture("alike", [ALIKE] * 9), low)
    assert (alert.category, certain(alert)) == (Category.RECON, True)
    (unsure,) = opens(capture("doubtful", [DOUBTFUL] * 9), low)
    assert not certain(unsure)


def test_what_becomes_certain_is_told_once_and_then() -> None:
    low = Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5)
    (alert,) = opens(capture("ever surer", [DOUBTFUL] * 4 + [ALIKE] * 5), low)
    (first,) = opens(capture("doubtful", [DOUBTFUL] * 9), low)
    assert (certain(alert), alert.state) == (True, State.UPDATE)
    assert alert.time_ms > first.time_ms


def test_a_crowd_is_judged_by_the_memory_that_its_windows_were_cut_with() -> None:
    low = Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5)
    opened = []
    for horizon_ms in (5000, 10_000):
        crowd = capture("crowd", [[0.1, 0.8, 0.1, 0.0]] * 9, WindowSettings(horizon_ms=horizon_ms))
        for name, value in CROWD.items():
            crowd.windows.facts[name] = value
        opened.append(len(opens(crowd, low)))
    assert opened == [1, 0]
