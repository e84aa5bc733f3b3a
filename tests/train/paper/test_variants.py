import numpy as np
import pytest

from tests.train.paper import generated
from train.paper.classes import LABELS, grouping
from train.paper.columns import COLUMNS
from train.paper.duplicates import row_hashes
from train.paper.files import find_sources
from train.paper.settings import Settings
from train.paper.store import Store, open_store
from train.paper.variants import PUBLISHED, QUESTIONS, prepare, with_class


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("data")
    generated.write(folder / "csv", 3000)
    return open_store(find_sources(folder / "csv"), folder / "rows", say=lambda _: None)


def test_rows_without_a_class_are_left_out(store: Store) -> None:
    candidates = with_class(store, grouping(4), Settings())
    assert set(range(19)) - set(store.labels[candidates].tolist()) == {
        LABELS.index("MQTT-Malformed_Data"),
        LABELS.index("ARP_Spoofing"),
    }
    assert len(with_class(store, grouping(6), Settings())) == len(store.rows)
    assert len(with_class(store, grouping(4), Settings(rows=500))) == 500


def test_the_published_task_has_all_columns_and_scales_by_training_alone(store: Store) -> None:
    settings = Settings()
    candidates = with_class(store, grouping(4), settings)
    task = prepare(store, candidates, None, PUBLISHED, settings)
    assert task.classes == ("Benign", "DDoS", "DoS", "Recon")
    assert len(task.train) + len(task.validate) + len(task.test) == len(candidates)
    assert np.allclose(task.scaler.mean, task.train.whole().astype(float).mean(axis=0), rtol=1e-6)
    groups = grouping(4).of_label
    assert task.test.classes.tolist() == groups[store.labels[task.test.indices]].tolist()


def test_a_variant_leaves_out_columns_and_repeated_rows(store: Store) -> None:
    settings = Settings(split="folders")
    candidates = with_class(store, grouping(4), settings)
    hashes = row_hashes(store.rows, candidates)
    task = prepare(store, candidates, hashes, QUESTIONS[-1], settings)
    assert [COLUMNS[number] for number in task.train.columns] == [
        column for column in COLUMNS if column not in {"IAT", "Number", "Weight"}
    ]
    assert task.train.whole().shape[1] == len(task.scaler.mean) == 42
    kept = np.concatenate([side.indices for side in (task.train, task.validate, task.test)])
    assert len(kept) == len(np.unique(hashes)) < len(candidates)
    assert not store.in_test[task.train.indices].any()
    assert store.in_test[task.test.indices].all()
