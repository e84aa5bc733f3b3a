"""Signing a bundle; openssl checks it."""

import subprocess
from pathlib import Path

import pytest

from detector.bundle import SIGNATURE
from detector.errors import BundleError, UsageError
from tests import rules
from tests.detector.bundle.test_signature import make_keys, openssl, pytestmark

pytest.importorskip("cryptography", reason="needs cryptography (the sign extra)")
from train.sign import sign_bundle

__all__ = ["pytestmark"]


def test_openssl_finds_the_signature_good(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    bundle = rules.write(tmp_path / "rules")
    for _ in range(2):
        assert sign_bundle(bundle, private).startswith("sha256:")
    files = ("-in", bundle / "bundle.json", "-sigfile", bundle / SIGNATURE)
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", *files)
    (bundle / SIGNATURE).write_bytes(bytes(64))
    with pytest.raises(subprocess.CalledProcessError):
        openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", *files)
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_bundle_is_not_signed(tmp_path: Path) -> None:
    private, _ = make_keys(tmp_path)
    bundle = rules.write(tmp_path / "rules")
    (bundle / "card.md").write_text("changed")
    with pytest.raises(BundleError, match="changed or damaged"):
        sign_bundle(bundle, private)
    assert not (bundle / SIGNATURE).exists()


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    bundle = rules.write(tmp_path / "rules")
    _, public = make_keys(tmp_path)
    other, _ = make_keys(tmp_path, "x", "x25519")
    locked = tmp_path / "locked.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", locked)
    for key in (public, other, locked, tmp_path / "none"):
        with pytest.raises(UsageError, match=r"--key .* openssl genpkey -algorithm ed25519 makes one"):
            sign_bundle(bundle, key)
