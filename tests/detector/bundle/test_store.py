import io
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.bundle import load_bundle
from detector.bundle.store import CARD, CHECK, LIMITS_BYTES, MANIFEST, MODEL, SEAL, digest_of, write_bundle
from detector.errors import BundleError
from tests.detector.bundle import samples


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "original"
    samples.write(path)
    return path


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def refusal(path: Path) -> str:
    """Return the one line that refuses this bundle."""
    with pytest.raises(BundleError) as caught:
        samples.load(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def reseal(path: Path, **contents: bytes) -> None:
    """Put files into a bundle and make its digests right again, as a careful forger would."""
    text = (path / MANIFEST).read_bytes()
    for name, content in contents.items():
        file = path / name.replace("_", ".")
        text = text.replace(digest_of(file.read_bytes()).encode(), digest_of(content).encode())
        file.write_bytes(content)
    (path / MANIFEST).write_bytes(text)
    (path / SEAL).write_text(f"{digest_of(text).removeprefix('sha256:')}  {MANIFEST}\n")


def test_what_was_written_is_loaded(bundle: Path) -> None:
    loaded = samples.load(bundle)
    assert loaded.manifest.model_copy(update={"files": {}}) == samples.manifest()
    assert loaded.digest == digest_of((bundle / MANIFEST).read_bytes())
    assert (loaded.onnx, loaded.card) == (samples.graph(), "# Card\n")
    assert np.array_equal(loaded.check.sequences, samples.check().sequences)
    assert loaded.sequence_shape == (samples.LENGTH, samples.FEATURES)


def test_the_attributes_are_the_manifests(bundle: Path) -> None:
    loaded, manifest = samples.load(bundle), samples.manifest()
    assert (loaded.name, loaded.categories) == (manifest.name, manifest.categories)
    assert (loaded.meter, loaded.window) == (manifest.meter, manifest.window)
    assert (loaded.thresholds, loaded.temperature) == (manifest.thresholds, manifest.temperature)


def test_the_same_input_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    digest = samples.write(tmp_path / "again")
    assert digest == samples.load(bundle).digest
    for name in LIMITS_BYTES:
        assert (tmp_path / "again" / name).read_bytes() == (bundle / name).read_bytes()


def test_the_seal_is_what_sha256sum_checks(bundle: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", SEAL], cwd=bundle, check=True, capture_output=True)


@given(
    name=st.sampled_from(sorted(LIMITS_BYTES)), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_any_changed_bit_is_refused(original: Path, name: str, where: float, bit: int) -> None:
    file = original / name
    content = file.read_bytes()
    changed = bytearray(content)
    changed[int(where * len(changed))] ^= 1 << bit
    try:
        file.write_bytes(changed)
        assert name in refusal(original) or MANIFEST in refusal(original)
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize(
    ("schema", "nfstream", "named"),
    [
        (f"sha256:{'b' * 64}", samples.NFSTREAM, "feature schema"),
        (samples.SCHEMA_DIGEST, "6.5.4", "NFStream version"),
    ],
)
def test_another_detector_refuses_it_naming_both_sides(
    bundle: Path, schema: str, nfstream: str, named: str
) -> None:
    with pytest.raises(BundleError, match=named) as caught:
        load_bundle(bundle, schema_digest=schema, nfstream_version=nfstream)
    assert schema in str(caught.value) or nfstream in str(caught.value)


def test_other_categories_are_refused(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_bytes()
    (bundle / MANIFEST).write_bytes(text.replace(b'"Recon"', b'"Scan"'))
    reseal(bundle)
    assert "categories" in refusal(bundle)


def test_every_problem_of_a_manifest_is_named(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_bytes()
    text = text.replace(b'"nfstream"', b'"stream\\n"').replace(b'"temperature": 1.5', b'"temperature": -1')
    (bundle / MANIFEST).write_bytes(text)
    reseal(bundle)
    message = refusal(bundle)
    assert "nfstream: Field required" in message
    assert "temperature: Input should be greater than 0, got -1" in message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 10_000])
def test_a_manifest_that_is_none_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / MANIFEST).write_bytes(content)
    reseal(bundle)
    assert MANIFEST in refusal(bundle)


def test_a_missing_and_an_extra_file_are_named(bundle: Path) -> None:
    (bundle / MODEL).rename(bundle / "model\n.onnx")
    message = refusal(bundle)
    assert f"['{MODEL}'] are missing" in message
    assert r"['model\n.onnx'] are too many" in message


def test_a_manifest_cannot_name_a_file_elsewhere(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_bytes()
    (bundle / MANIFEST).write_bytes(text.replace(b'"card.md":', b'"../card.md":'))
    reseal(bundle)
    assert "../card.md" in refusal(bundle)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none")


def test_links_are_not_followed(bundle: Path, tmp_path: Path) -> None:
    (bundle / CARD).rename(tmp_path / CARD)
    (bundle / CARD).symlink_to(tmp_path / CARD)
    assert "links are not followed" in refusal(bundle)


def test_a_pipe_does_not_block(bundle: Path) -> None:
    (bundle / CARD).unlink()
    os.mkfifo(bundle / CARD)
    assert "no plain file" in refusal(bundle)


def test_an_oversized_file_is_not_read(bundle: Path) -> None:
    with (bundle / CARD).open("r+b") as file:
        file.truncate(LIMITS_BYTES[CARD] + 1)
    assert "is larger than the 1048576 bytes" in refusal(bundle)


def test_a_card_must_be_text(bundle: Path) -> None:
    reseal(bundle, card_md=b"\xff")
    assert "UTF-8" in refusal(bundle)


def npz(**arrays: object) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type] # some of these are wrong on purpose
    return packed.getvalue()


GOOD = {"sequences": samples.check().sequences, "probabilities": samples.check().probabilities}


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        npz(sequences=GOOD["sequences"]),
        npz(**GOOD, more=np.zeros(1)),
        npz(**GOOD | {"sequences": GOOD["sequences"].astype(np.float64)}),
        npz(**GOOD | {"sequences": GOOD["sequences"][:, 1:]}),
        npz(**GOOD | {"sequences": np.float32(0)}),
        npz(**GOOD | {"probabilities": GOOD["probabilities"][1:]}),
        npz(sequences=GOOD["sequences"][:0], probabilities=GOOD["probabilities"][:0]),
        npz(**GOOD | {"probabilities": GOOD["probabilities"] * np.nan}),
        npz(**GOOD | {"sequences": np.array([{"code": "in a pickle"}])}),
    ],
)
def test_a_test_vector_of_the_wrong_kind_is_refused(bundle: Path, content: bytes) -> None:
    reseal(bundle, check_npz=content)
    assert CHECK in refusal(bundle)


def test_a_test_vector_that_would_unpack_to_more_than_allowed_is_refused(bundle: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in GOOD:
            archive.writestr(f"{name}.npy", bytes(LIMITS_BYTES[CHECK]))
    reseal(bundle, check_npz=packed.getvalue())
    assert "members" in refusal(bundle)


def test_an_array_that_lies_about_its_size_is_refused(bundle: Path) -> None:
    honest, lie = b"(4, 3, 5), }             ", b"(99999999999999, 3, 5), }"
    content = npz(**GOOD)
    assert honest in content
    stored = zipfile.ZipFile(io.BytesIO(content))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in stored.namelist():
            archive.writestr(name, stored.read(name).replace(honest, lie))
    reseal(bundle, check_npz=packed.getvalue())
    assert CHECK in refusal(bundle)


def test_a_bundle_replaces_a_bundle(bundle: Path) -> None:
    write_bundle(bundle, samples.manifest(), onnx=b"other", check=samples.check(), card="")
    assert samples.load(bundle).onnx == b"other"
    assert [entry.name for entry in bundle.parent.iterdir()] == [bundle.name]


def test_a_bundle_does_not_replace_anything_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="is no bundle"):
        samples.write(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_bundle_is_readable_by_all(bundle: Path) -> None:
    assert stat.S_IMODE(bundle.stat().st_mode) & 0o755 == 0o755
