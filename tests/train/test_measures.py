import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn")

from detector.bundle import Thresholds
from train.measures import (
    by_origin,
    calibration_error,
    confusion,
    reached,
    reliability,
    threshold_figures,
    weighed_figures,
    window_figures,
)

pytestmark = pytest.mark.tensorflow

THRESHOLDS = Thresholds(benign=0.4, recon=0.6, dos=0.6, ddos=0.6)


def sure(label: int) -> list[float]:
    return [0.97 if column == label else 0.01 for column in range(4)]


def probabilities(*labels: int) -> NDArray[np.float32]:
    return np.array([sure(label) for label in labels], np.float32)


def labels(*values: int) -> NDArray[np.int8]:
    return np.array(values, np.int8)


def test_measures_are_of_the_classes_that_occur() -> None:
    figures = window_figures(probabilities(0, 0, 3, 0), labels(0, 0, 3, 3))
    assert figures == pytest.approx(
        {
            "macro_f1": (0.8 + 2 / 3) / 2,
            "mcc": 1 / 3**0.5,
            "ece": 0.97 - 0.75,
            "f1_Benign": 0.8,
            "f1_Recon": 2 / 3,
            "precision_Benign": 2 / 3,
            "precision_Recon": 1.0,
            "recall_Benign": 1.0,
            "recall_Recon": 0.5,
            "pr_auc_Benign": 2 / 3,
            "pr_auc_Recon": 0.5 + 0.5 * 0.5,
        }
    )


def test_what_the_policy_weighs_is_measured_apart() -> None:
    assert weighed_figures(probabilities(0, 0, 3, 0), labels(0, 0, 3, 3)) == pytest.approx(
        {
            "macro_f1_weighed": (0.8 + 2 / 3) / 2,
            "f1_Benign_weighed": 0.8,
            "f1_Recon_weighed": 2 / 3,
            "recall_Benign_weighed": 1.0,
            "recall_Recon_weighed": 0.5,
        }
    )


def test_a_row_of_the_confusion_is_a_true_class() -> None:
    counts = confusion(probabilities(0, 2, 2, 1), labels(0, 3, 2, 2))
    assert counts == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]]


def test_a_model_as_good_as_its_word_has_no_calibration_error() -> None:
    scored = np.tile(np.array([[0.75, 0.25, 0, 0]], np.float32), (4, 1))
    bins = reliability(scored, labels(0, 0, 0, 1))
    assert [(each.windows, each.confidence, each.right) for each in bins] == [(4, 0.75, 0.75)]
    assert calibration_error(bins) == 0.0


def test_bins_hold_what_is_alike_and_are_weighed_by_their_windows() -> None:
    scored = np.array([[0.5, 0.3, 0.2, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], np.float32)
    bins = reliability(scored, labels(1, 0, 0, 1))
    assert [each.windows for each in bins] == [1, 3]
    assert calibration_error(bins) == pytest.approx((1 * 0.5 + 3 * (1 - 2 / 3)) / 4)


def test_thresholds_are_judged_on_benign_and_attack_windows_apart() -> None:
    scored = np.array(
        [[0.5, 0.5, 0, 0], [0.3, 0.2, 0.2, 0.3], [0.1, 0, 0, 0.9], sure(3), sure(0)], np.float32
    )
    figures = threshold_figures(reached(scored, THRESHOLDS), labels(0, 0, 0, 3, 3))
    assert figures == pytest.approx({"false_alarm_rate": 1 / 3, "uncertain_rate": 1 / 3, "raised_Recon": 0.5})


def test_origins_are_judged_apart() -> None:
    origins = np.array(["a", "a", "b"])
    found = by_origin(probabilities(0, 3, 3), labels(0, 0, 3), origins)
    assert found == {
        "a": {"windows": 2.0, "recall_Benign": 0.5},
        "b": {"windows": 1.0, "recall_Recon": 1.0},
    }
