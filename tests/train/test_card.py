from detector.bundle import Manifest, Origin, Training
from tests.detector.bundle import samples
from train.card import render


def origin(name: str, side: str, licence: str, **captures: int) -> Origin:
    return Origin.model_validate(
        {
            "name": name,
            "side": side,
            "licence": licence,
            "captures": captures,
            "windows": 123,
            "digest": samples.SCHEMA_DIGEST,
        }
    )


def manifest(figures: dict[str, dict[str, float]]) -> Manifest:
    made = Training(
        command="iotids-train fit --seed 7",
        seeds=(7,),
        versions={"keras": "3.15.1"},
        origins=(
            origin("lab", "train", "MIT | own", Recon=4, DoS=2),
            origin("sgr", "validate", "none stated", Recon=7),
            origin("stopddos", "test", "free use", DDoS=4),
        ),
    )
    return samples.manifest().model_copy(update={"created_from": made, "figures": figures})


def test_every_origin_stands_under_its_side_with_its_licence() -> None:
    card = render(manifest({}), "cnn-lstm")
    trained, stopped = card.split("Trained on")[1].split("Stopped")
    stopped, judged = stopped.split("Judged on")
    assert "| lab | DoS 2, Recon 4 | 123 | MIT / own |" in trained
    assert "| sgr | Recon 7 | 123 | none stated |" in stopped
    assert "| stopddos | DDoS 4 | 123 | free use |" in judged


def test_figures_stand_side_by_side_and_gaps_stay_empty() -> None:
    card = render(
        manifest({"cnn-lstm": {"macro_f1": 0.73456, "right_DoS": 0.5}, "forest": {"macro_f1": 0.79}}),
        "cnn-lstm",
    )
    assert "| measure | cnn-lstm | forest |" in card
    assert "| macro_f1 | 0.7346 | 0.79 |" in card
    assert "| right_DoS | 0.5 |  |" in card


def test_a_model_that_was_not_measured_says_so() -> None:
    assert "Not measured yet" in render(manifest({}), "cnn")


def test_the_recipe_and_the_limits_are_there() -> None:
    card = render(manifest({}), "cnn")
    assert "`iotids-train fit --seed 7`" in card
    assert "Seeds 7; keras 3.15.1." in card
    assert "## Limits" in card


def test_teachers_are_told_by_what_made_them() -> None:
    made = manifest({}).created_from.model_copy(update={"teachers": ("iotids-train fit --fold 3",)})
    card = render(manifest({}).model_copy(update={"created_from": made}), "cnn-lstm")
    assert "make of each window:\n\n- `iotids-train fit --fold 3`\n" in card
    assert "make of each window" not in render(manifest({}), "cnn-lstm")


def test_the_same_manifest_gives_the_same_card() -> None:
    assert render(manifest({}), "cnn") == render(manifest({}), "cnn")


def test_captures_that_taught_nothing_are_named() -> None:
    whole = manifest({})
    made = whole.created_from.model_copy(update={"left_out": ("a/dos/flood_01.pcap",)})
    text = render(whole.model_copy(update={"created_from": made}), "cnn-lstm")
    assert "Not learnt from, 1 captures" in text
    assert "- a/dos/flood_01.pcap" in text
    assert "Not learnt from" not in render(whole, "cnn-lstm")
