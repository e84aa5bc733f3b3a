import pytest
from pydantic import ValidationError

from detector.bundle import Distribution, Manifest, Schema
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


EVEN = Distribution(edges=(1.0, 2.0), shares=(0.25, 0.5, 0.25), usual=0.1)


def test_a_record_is_of_every_feature_or_of_none() -> None:
    complete = samples.manifest().model_dump() | {"record": (EVEN,) * samples.FEATURES}
    assert Manifest.model_validate(complete).record[0] == EVEN
    with pytest.raises(ValidationError, match="a record of 2 features"):
        Manifest.model_validate(complete | {"record": (EVEN, EVEN)})


def test_a_manifest_from_before_records_is_still_valid() -> None:
    before = samples.manifest().model_dump_json().replace('"record":[],', "")
    assert "record" not in before
    assert Manifest.model_validate_json(before).record == ()


@pytest.mark.parametrize(
    ("edges", "shares"),
    [((1.0, 2.0), (0.5, 0.5)), ((2.0, 1.0), (0.2, 0.2, 0.6)), ((1.0, 1.0), (0.2, 0.2, 0.6))],
)
def test_a_distribution_has_rising_edges_between_its_shares(
    edges: tuple[float, ...], shares: tuple[float, ...]
) -> None:
    with pytest.raises(ValidationError, match="edges that rise"):
        Distribution(edges=edges, shares=shares, usual=0.0)


@pytest.mark.parametrize("names", [("mask", "mask"), ("mask",)])
def test_a_schema_has_unique_names_and_a_unit_each(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="as many units"):
        Schema(names=names, units=("flag", "ms"), digest=samples.SCHEMA_DIGEST)
