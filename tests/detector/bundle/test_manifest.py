import pytest
from pydantic import ValidationError

from detector.bundle import Manifest, Schema
from tests.detector.bundle import samples


def test_a_manifest_survives_its_own_json() -> None:
    manifest = samples.manifest()
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_the_sequence_shape_is_that_of_window_and_schema() -> None:
    assert samples.manifest().sequence_shape == (samples.LENGTH, samples.FEATURES)


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ('"format":1', '"format":2', "format"),
        ('"temperature":1.5', '"temperature":0.0', "temperature"),
        ('"temperature":1.5', '"temperature":NaN', "temperature"),
        ('"dos":0.7', '"dos":1.1', "thresholds.dos"),
        ('"idle_timeout_ms":', '"idle_timeout_secs":', "meter.idle_timeout_secs"),
        ('"length_flows":3', '"length_flows":"3"', "window.length_flows"),
        ('"name":"sample"', '"name":"../sample"', "name"),
        (samples.SCHEMA_DIGEST, "sha256:a", "features.digest"),
    ],
)
def test_what_no_exporter_writes_is_refused(was: str, becomes: str, complaint: str) -> None:
    text = samples.manifest().model_dump_json()
    assert was in text
    with pytest.raises(ValidationError) as caught:
        Manifest.model_validate_json(text.replace(was, becomes))
    assert complaint in {".".join(map(str, problem["loc"])) for problem in caught.value.errors()}


@pytest.mark.parametrize("names", [("mask", "mask"), ("mask",)])
def test_a_schema_has_unique_names_and_a_unit_each(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="as many units"):
        Schema(names=names, units=("flag", "ms"), digest=samples.SCHEMA_DIGEST)
