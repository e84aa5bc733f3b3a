"""Signed bundles, with keys and signatures that openssl made."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.bundle import SIGNATURE, load_bundle
from detector.errors import BundleError, ConfigError
from tests import rules
from tests.command import SCAN, Done
from tests.detector.bundle.samples import NFSTREAM, SCHEMA_DIGEST, write

pytest.importorskip("cryptography", reason="needs cryptography (the sign extra)")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl (Debian's openssl)")


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_keys(folder: Path, name: str = "key", algorithm: str = "ed25519") -> tuple[Path, Path]:
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    openssl("genpkey", "-algorithm", algorithm, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return private, public


def sign(bundle: Path, private: Path) -> None:
    files = ("-in", bundle / "bundle.json", "-out", bundle / SIGNATURE)
    openssl("pkeyutl", "-sign", "-inkey", private, "-rawin", *files)


def load(bundle: Path, key: Path | None) -> str:
    return load_bundle(bundle, schema_digest=SCHEMA_DIGEST, nfstream_version=NFSTREAM, key=key).digest


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_signed_bundle_is_taken_with_its_key_and_without_any(bundle: Path, tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    sign(bundle, private)
    assert load(bundle, public) == load(bundle, None)


def test_a_bundle_without_a_signature_is_refused(bundle: Path, tmp_path: Path) -> None:
    _, public = make_keys(tmp_path)
    with pytest.raises(BundleError, match=r"is not signed \(no bundle\.sig\).* or run iotids-train sign"):
        load(bundle, public)


def test_a_signature_of_another_bundle_or_key_is_refused(bundle: Path, tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    sign(bundle, make_keys(tmp_path, "other")[0])
    with pytest.raises(BundleError, match="is not the signature of this bundle"):
        load(bundle, public)
    sign(bundle, private)
    manifest = bundle / "bundle.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"recon": 0.6', b'"recon": 0.9'))
    with pytest.raises(BundleError, match="is not the signature of this bundle"):
        load(bundle, public)


@pytest.mark.parametrize("content", [b"", b"x" * 63, b"x" * 64, b"x" * 65])
def test_anything_else_in_its_place_is_refused(content: bytes, bundle: Path, tmp_path: Path) -> None:
    _, public = make_keys(tmp_path)
    (bundle / SIGNATURE).write_bytes(content)
    with pytest.raises(BundleError, match=r"not the signature|larger than the 64 bytes"):
        load(bundle, public)
    (bundle / SIGNATURE).unlink()
    os.mkfifo(bundle / SIGNATURE)
    with pytest.raises(BundleError, match="plain file"):
        load(bundle, public)


def test_a_key_that_is_none_is_refused(bundle: Path, tmp_path: Path) -> None:
    private, _ = make_keys(tmp_path)
    _, other_kind = make_keys(tmp_path, "x", "x25519")
    (tmp_path / "text").write_text("hello")
    for key in (private, other_kind, tmp_path / "text", tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match=r"bundle_key: got .*, which does not load \(.*\), allowed"):
            load(bundle, key)


def test_a_missing_library_is_one_clear_line(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, public = make_keys(tmp_path)
    for name in [*sys.modules, "cryptography"]:
        if name.partition(".")[0] == "cryptography":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"is not installed, run pip install 'iotids\[sign\]'"):
        load(bundle, public)


def test_the_command_refuses_it_with_exit_code_4(detect: Callable[..., Done], tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    bundle = rules.write(tmp_path / "rules")
    config = tmp_path / "iotids.toml"
    config.write_text(f'bundle = "{bundle}"\nbundle_key = "{public.name}"\n')
    refused = detect("--config", config, "--pcap", SCAN, bundle=None)
    assert refused.code == 4
    assert refused.err.count(b"\n") == 1
    assert b"is not signed" in refused.err
    sign(bundle, private)
    assert detect("--config", config, "--check", bundle=None).code == 0
    shipped = detect("--config", config, "--check", "--bundle", "detector/bundles/default", bundle=None)
    assert shipped.code == 4
