from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import samples
from train.datasets import (
    INDEX,
    CaptureWindows,
    Dataset,
    Entry,
    join,
    load,
    load_capture,
    read_index,
    sample_weights,
    save_capture,
    windows_digest,
    write_index,
)


def save(directory: Path, content: CaptureWindows, capture: str = "a", origin: str = "one") -> Entry:
    return save_capture(directory, content, capture=capture, origin=origin, category="mixed", licence="MIT")


def equal(left: CaptureWindows, right: CaptureWindows) -> bool:
    return windows_digest(left) == windows_digest(right)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    content = samples.windows([0, 1, -1])
    entry = save(tmp_path, content)
    assert (entry.windows, entry.file) == (3, save(tmp_path, content).file)
    assert equal(load_capture(tmp_path, entry), content)
    assert [path.name for path in tmp_path.iterdir()] == [entry.file]


def test_a_changed_or_missing_file_is_named_with_its_capture(tmp_path: Path) -> None:
    entry = save(tmp_path, samples.windows([0, 1]), capture="pcaps/scan.pcap")
    save(tmp_path, samples.windows([0, 2]), capture="pcaps/scan.pcap")
    with pytest.raises(UsageError, match=r"pcaps/scan\.pcap.*is not what"):
        load_capture(tmp_path, entry)
    (tmp_path / entry.file).write_bytes(b"no zip")
    with pytest.raises(UsageError, match=r"pcaps/scan\.pcap.*cannot be read"):
        load_capture(tmp_path, entry)


def test_a_capture_name_never_becomes_a_path(tmp_path: Path) -> None:
    entry = save(tmp_path / "data", samples.windows([0]), capture="../../outside.pcap")
    assert (tmp_path / "data" / entry.file).is_file()


def test_the_index_is_written_in_the_order_of_captures(tmp_path: Path) -> None:
    entries = [samples.entry("two", "DoS"), samples.entry("one", "Recon")]
    write_index(tmp_path, samples.index(*entries))
    first = (tmp_path / INDEX).read_bytes()
    write_index(tmp_path, samples.index(*reversed(entries)))
    assert (tmp_path / INDEX).read_bytes() == first
    assert read_index(tmp_path, schema_digest=SCHEMA.digest).origins == ("one", "two")


def test_an_index_of_other_features_is_refused(tmp_path: Path) -> None:
    write_index(tmp_path, samples.index())
    with pytest.raises(UsageError, match="feature schema"):
        read_index(tmp_path, schema_digest=f"sha256:{'b' * 64}")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_damaged_index_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_index(tmp_path, schema_digest=SCHEMA.digest)
    assert "\n" not in str(caught.value)
    assert "run iotids-train extract" in str(caught.value)


def test_loading_caps_each_class_of_each_capture_and_leaves_out_the_rest(tmp_path: Path) -> None:
    entries = [
        save(tmp_path, samples.windows([0] * 50 + [3] * 4 + [-1] * 9), capture="a"),
        save(tmp_path, samples.windows([0] * 30), capture="b", origin="two"),
    ]
    loaded = load(tmp_path, entries, cap_windows=20)
    assert np.bincount(loaded.labels).tolist() == [40, 0, 0, 4]
    assert np.bincount(loaded.captures).tolist() == [24, 20]
    assert np.unique(loaded.origins).tolist() == ["one", "two"]


def test_the_draw_depends_on_seed_and_capture_alone(tmp_path: Path) -> None:
    one = save(tmp_path, samples.windows([0] * 50), capture="a")
    two = save(tmp_path, samples.windows([0] * 50, seed=1), capture="b")
    alone = load(tmp_path, [two], cap_windows=10, seed=4)
    together = load(tmp_path, [two, one], cap_windows=10, seed=4)
    assert np.array_equal(alone.sequences, together.sequences[together.captures == 1])
    assert not equal(alone.windows, load(tmp_path, [two], cap_windows=10, seed=5).windows)


def test_drawn_windows_stay_in_order(tmp_path: Path) -> None:
    entry = save(tmp_path, samples.windows([0, 3] * 40))
    assert (np.diff(load(tmp_path, [entry], cap_windows=10).windows.facts["time_ms"].astype(int)) > 0).all()


def test_no_window_at_all_is_a_usage_error(tmp_path: Path) -> None:
    entry = save(tmp_path, samples.windows([-1]))
    with pytest.raises(UsageError, match="no labelled window"):
        load(tmp_path, [entry])
    with pytest.raises(UsageError, match="no labelled window"):
        join([], [])


def dataset(labels: list[int], captures: list[tuple[str, str]]) -> Dataset:
    """One window a label, each of the capture and origin named beside it."""
    names = sorted(set(captures))
    entries = [
        Entry(
            capture=name,
            origin=origin,
            category="mixed",
            licence="own",
            windows=1,
            digest=f"sha256:{'0' * 64}",
        )
        for name, origin in names
    ]
    windows = samples.windows(labels)
    return Dataset(windows, np.array([names.index(each) for each in captures], np.int32), tuple(entries))


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcde"), st.sampled_from("xyz")), min_size=1),
    bound=st.floats(1.0, 50.0),
)
def test_weights_make_classes_count_the_same_and_are_bounded(
    rows: list[tuple[int, str, str]], bound: float
) -> None:
    labels = np.array([label for label, _, _ in rows], np.int8)
    weights = sample_weights(
        dataset(labels.tolist(), [(capture, origin) for _, capture, origin in rows]), bound=bound
    )
    sums = [weights[labels == label].sum() for label in np.unique(labels)]
    assert np.allclose(sums, sums[0], rtol=1e-4)
    assert np.isclose(weights.mean(), 1.0, rtol=1e-4)
    for label in np.unique(labels):
        own = weights[labels == label]
        assert own.max() <= bound * own.min() * (1 + 1e-4)


def test_within_a_class_an_origin_counts_by_the_root_of_its_captures() -> None:
    often = [(f"often-{number % 4}", "often") for number in range(36)]
    weights = sample_weights(dataset([0] * 40, [*often, *[("once", "once")] * 4]))
    assert weights[:36].sum() / weights[36:].sum() == pytest.approx(2.0, rel=1e-4)


def test_a_tiny_origin_does_not_outweigh_the_rest() -> None:
    weights = sample_weights(dataset([0] * 1000, [*[("a", "large")] * 999, ("b", "tiny")]), bound=10.0)
    assert weights[-1] / weights[0] == pytest.approx(10.0, rel=1e-4)
