"""Bundles on disk: five plain files in a directory, none of which can run code.

| file | holds |
|---|---|
| `bundle.json` | the manifest, with the digests of the others |
| `model.onnx` | the graph, with normalisation and temperature inside |
| `check.npz` | sequences, and the probabilities they must give |
| `card.md` | what the model is, what it was trained on, how it does |
| `bundle.sha256` | the digest of the manifest, for `sha256sum -c` |

So a changed byte anywhere shows. It is no signature: who can write the bundle can make a new one, which a
sixth file, `bundle.sig`, rules out where a key is configured (see `signature`).

Threats: a bundle from somebody else. Only plain files of bounded size are read, links and pipes are not
followed, sizes that `check.npz` declares are bounded before anything is unpacked, and no format that can run
code is read. The graph is ONNX Runtime's to check: a hostile one is as bad as a hostile program, so sign
what you ship.
"""

import hashlib
import io
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from detector.bundle.files import read_plain_file
from detector.bundle.foreign import refuse_foreign
from detector.bundle.manifest import Manifest, MeterSettings, Thresholds, WindowSettings
from detector.bundle.signature import SIGNATURE, check_signature
from detector.errors import BundleError
from detector.records import CATEGORIES

MANIFEST, MODEL, CHECK, CARD, SEAL = "bundle.json", "model.onnx", "check.npz", "card.md", "bundle.sha256"

LIMITS_BYTES = {MANIFEST: 1 << 20, MODEL: 16 << 20, CHECK: 4 << 20, CARD: 1 << 20, SEAL: 256}
"""The files of a bundle, and how large each may be."""

DEFAULT_BUNDLE = Path(__file__).parents[1] / "bundles" / "default"

_BROKEN_NPZ = (
    ValueError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and NumPy raise for bytes that are no npz, or one that lies about its sizes."""


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Sequences and the probabilities they must give, so that a wrong graph or runtime shows at start."""

    sequences: NDArray[np.float32]
    """Shape (k, T, F)."""
    probabilities: NDArray[np.float32]
    """Shape (k, C)."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelBundle:
    """A checked bundle in memory. The graph itself is checked by the scorer that opens it."""

    manifest: Manifest
    digest: str
    onnx: bytes
    check: Check
    card: str

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def categories(self) -> tuple[str, ...]:
        return self.manifest.categories

    @property
    def meter(self) -> MeterSettings:
        return self.manifest.meter

    @property
    def window(self) -> WindowSettings:
        return self.manifest.window

    @property
    def thresholds(self) -> Thresholds:
        return self.manifest.thresholds

    @property
    def temperature(self) -> float:
        return self.manifest.temperature

    @property
    def sequence_shape(self) -> tuple[int, int]:
        """T and F."""
        return self.manifest.sequence_shape


def load_bundle(
    path: Path | None = None, *, schema_digest: str, nfstream_version: str, key: Path | None = None
) -> ModelBundle:
    """Read a bundle and check everything but the graph; None means the one that is shipped.

    With a key, nothing of it is looked at before its signature.

    Raises:
        BundleError: anything is missing, damaged, too large, unexpected, made for other features
            or another NFStream, or not signed with the key.
        ConfigError: the key does not load.
    """
    path = DEFAULT_BUNDLE if path is None else path
    refuse_foreign(path)
    contents = _read_files(path)
    if key is not None:
        check_signature(path, contents[MANIFEST], key)
    _check_seal(path, contents)
    manifest = _parse_manifest(path, contents[MANIFEST])
    _check_fit(path, manifest, schema_digest, nfstream_version)
    _check_digests(path, manifest, contents)
    return ModelBundle(
        manifest=manifest,
        digest=digest_of(contents[MANIFEST]),
        onnx=contents[MODEL],
        check=_parse_check(path, contents[CHECK], manifest.sequence_shape),
        card=_parse_card(path, contents[CARD]),
    )


def write_bundle(path: Path, manifest: Manifest, *, onnx: bytes, check: Check, card: str) -> str:
    """Write a bundle whole or not at all; return its digest.

    The same input gives the same bytes. An existing `path` is replaced only if it is a bundle.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise BundleError(f"{path}: exists and is no bundle (no {MANIFEST}); name another directory")
    packed = io.BytesIO()
    np.savez(packed, sequences=check.sequences, probabilities=check.probabilities)
    contents = {MODEL: onnx, CHECK: packed.getvalue(), CARD: card.encode()}
    files = {name: digest_of(content) for name, content in contents.items()}
    contents[MANIFEST] = (
        manifest.model_copy(update={"files": files}).model_dump_json(indent=2) + "\n"
    ).encode()
    contents[SEAL] = _seal(contents[MANIFEST])
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        fresh = Path(scratch) / "new"
        fresh.mkdir(mode=0o755)
        for name, content in contents.items():
            (fresh / name).write_bytes(content)
        _replace(path, fresh, old=Path(scratch) / "old")
    return digest_of(contents[MANIFEST])


def _replace(path: Path, fresh: Path, *, old: Path) -> None:
    """Rename `fresh` to `path`; what was there goes to `old`, or comes back if that fails."""
    if path.exists():
        path.rename(old)
    try:
        fresh.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise


def digest_of(content: bytes) -> str:
    """Return the SHA-256 as the manifest writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _seal(manifest: bytes) -> bytes:
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def _read_files(path: Path) -> dict[str, bytes]:
    try:
        with os.scandir(path) as entries:
            found = {entry.name for entry in entries} - {SIGNATURE}
    except OSError as error:
        raise BundleError(
            f"{path}: cannot read the bundle ({error.strerror}); name a directory made by iotids-train export"
        ) from error
    if found != set(LIMITS_BYTES):
        missing, extra = sorted(set(LIMITS_BYTES) - found), sorted(found - set(LIMITS_BYTES))
        raise BundleError(
            f"{path}: a bundle holds exactly {sorted(LIMITS_BYTES)}, here {missing} are missing and "
            f"{extra[:5]!a} are too many; restore the directory or export it again"
        )
    return {name: read_plain_file(path / name, limit) for name, limit in LIMITS_BYTES.items()}


def _parse_manifest(path: Path, content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}, got {problem['input']!a:.60}"
            for problem in error.errors(include_url=False)[:8]
        )
        raise BundleError(
            f"{path / MANIFEST}: {problems!a}; use a bundle exported by this version of iotids"
        ) from error


def _check_seal(path: Path, contents: dict[str, bytes]) -> None:
    expected = _seal(contents[MANIFEST])
    if contents[SEAL] != expected:
        raise BundleError(
            f"{path / SEAL}: says {contents[SEAL].strip()!a:.100}, {MANIFEST} has {expected.strip()!a}; "
            "one of the two was changed, restore the bundle or export it again"
        )


def _check_fit(path: Path, manifest: Manifest, schema_digest: str, nfstream_version: str) -> None:
    """Refuse a bundle whose numbers mean something else here."""
    expected = (
        ("categories", manifest.categories, tuple(map(str, CATEGORIES))),
        ("feature schema", manifest.features.digest, schema_digest),
        ("NFStream version", manifest.nfstream, nfstream_version),
    )
    for what, received, needed in expected:
        if received != needed:
            raise BundleError(
                f"{path}: made for {what} {received!a}, this iotids has {needed!a}; "
                "train and export the bundle again, or use the one shipped with this version"
            )


def _check_digests(path: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    actual = {name: digest_of(content) for name, content in contents.items() if name not in {MANIFEST, SEAL}}
    if actual.keys() != manifest.files.keys():
        raise BundleError(
            f"{path / MANIFEST}: lists the files {sorted(manifest.files)[:5]!a}, expected {sorted(actual)}; "
            "export the bundle again"
        )
    for name, digest in actual.items():
        if digest != manifest.files[name]:
            raise BundleError(
                f"{path / name}: has {digest}, {MANIFEST} says {manifest.files[name]}; "
                "the file was changed or damaged, restore it or export the bundle again"
            )


def _parse_card(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path / CARD}: is no UTF-8 text; export the bundle again") from error


def _parse_check(path: Path, content: bytes, shape: tuple[int, int]) -> Check:
    """Unpack `check.npz`; declared sizes are bounded before anything is unpacked."""
    arrays = ("sequences", "probabilities")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            sizes = {entry.filename: entry.file_size for entry in packed.infolist()}
        if sizes.keys() != {f"{name}.npy" for name in arrays} or sum(sizes.values()) > LIMITS_BYTES[CHECK]:
            raise ValueError(f"members {sizes}")
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            check = Check(*(np.asarray(loaded[name]) for name in arrays))
    except _BROKEN_NPZ as error:
        raise BundleError(
            f"{path / CHECK}: cannot be read ({str(error)!a:.120}), expected the float32 arrays {arrays}; "
            "export the bundle again"
        ) from error
    rows = len(check.sequences) if check.sequences.ndim else 0
    _check_array(path, check.sequences, (rows, *shape))
    _check_array(path, check.probabilities, (rows, len(CATEGORIES)))
    return check


def _check_array(path: Path, array: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape or not array.size or not np.isfinite(array).all():
        raise BundleError(
            f"{path / CHECK}: holds {array.dtype} {array.shape}, expected finite float32 {shape}, "
            "not empty; export the bundle again"
        )
