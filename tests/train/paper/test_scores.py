import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from train.paper.scores import score

CLASSES = ("Benign", "DDoS", "DoS", "Recon")
DRAW = np.random.default_rng(1)
TRUTH = DRAW.choice(4, 500, p=[0.1, 0.6, 0.25, 0.05]).astype(np.int8)
TOLD = np.where(DRAW.random(500) < 0.8, TRUTH, DRAW.integers(0, 4, 500)).astype(np.int8)


def test_the_four_figures_are_those_of_the_published_code() -> None:
    figures = score(CLASSES, TRUTH, TOLD).weighted
    expected = precision_recall_fscore_support(TRUTH, TOLD, average="weighted")[:3]
    assert [figures[name] for name in ("precision", "recall", "f1")] == pytest.approx(expected)
    assert figures["accuracy"] == pytest.approx(accuracy_score(TRUTH, TOLD))


def test_each_class_has_figures_of_its_own() -> None:
    precision, recall, f1, rows = precision_recall_fscore_support(TRUTH, TOLD)
    for number, one in enumerate(score(CLASSES, TRUTH, TOLD).by_class):
        assert one.name == CLASSES[number]
        assert (one.precision, one.recall, one.f1) == pytest.approx(
            (precision[number], recall[number], f1[number])
        )
        assert one.rows == rows[number]


def test_always_one_answer_is_worth_its_share_and_balanced_a_fourth() -> None:
    scores = score(CLASSES, TRUTH, np.ones(500, np.int8))
    assert scores.accuracy == pytest.approx((TRUTH == 1).mean())
    assert scores.balanced["accuracy"] == scores.balanced["recall"] == pytest.approx(0.25)
    assert scores.by_class[0].precision == 0


def test_balanced_recall_is_the_mean_over_the_classes_that_occur() -> None:
    some = TRUTH != 3
    recall = precision_recall_fscore_support(TRUTH[some], TOLD[some], labels=[0, 1, 2])[1]
    balanced = score(CLASSES, TRUTH[some], TOLD[some]).balanced
    assert balanced["accuracy"] == pytest.approx(recall.mean())
