"""`tfxai visualise`, `tfxai dream` and `tfxai top-images` give what Python gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai import features

LAYER = "Conv2D_Block3_Layer1"


def printed(run, *words):
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def refused(run, *words):
    done = run(*words)
    assert done.exit_code == 2
    return done.stderr


def test_visualise_gives_what_activation_maximisation_gives(run, models):
    words = ("--layer", LAYER, "-c", 2, "-c", 0, "--steps", 3, "--seed", 5)
    found = printed(run, "visualise", "tiny", *words, "--animation", "a.gif")
    asked = features.ActivationMaximisation(
        [features.Channel(LAYER, 2), features.Channel(LAYER, 0)],
        steps=3,
        transformations=features.Transformations(blur=1.0),
        seed=5,
    )
    expected = asked(tfxai.load(models / "tiny.keras")).to_dict()
    assert [one["label"] for one in found["pictures"]] == [f"{LAYER} channel {i}" for i in (2, 0)]
    for one, other in zip(found["pictures"], expected["pictures"], strict=True):
        assert one["value"] == pytest.approx(other["value"], abs=2e-3)
    with Image.open("out/features.png") as figure:
        assert figure.width > figure.height > 200
    with Image.open("a.gif") as animation:
        assert animation.n_frames == 3


def test_visualise_goes_on_from_the_pictures_that_are_done(run, monkeypatch):
    from tfxai.features import activation_maximisation

    counts, climbed = [], activation_maximisation.climbed

    def counting(model, climb, numbers, *given):
        counts.append(len(numbers))
        return climbed(model, climb, numbers, *given)

    monkeypatch.setattr(activation_maximisation, "climbed", counting)
    words = ("--layer", LAYER, "--steps", 2, "-c", 2)
    first = printed(run, "visualise", "tiny", *words)
    found = printed(run, "visualise", "tiny", *words, "-c", 0)
    assert counts == [1, 1]
    assert found["pictures"][0] == first["pictures"][0]
    assert len(list(Path("out/features.kept").glob("*.npz"))) == 2
    printed(run, "visualise", "tiny", *words, "--cache", "kept", "--save", "b.png")
    assert counts == [1, 1, 1]
    assert len(list(Path("kept").glob("*.npz"))) == 1


def test_visualise_says_how_far_to_trust_the_picture_of_a_class(run):
    done = run("visualise", "tiny", "--class", "Frog", "--steps", 2, "--way", "pixels")
    assert done.exit_code == 0
    (line,) = [line for line in done.stdout.splitlines() if "class Frog" in line]
    assert "blurred" in line
    assert "half size" in line
    assert "The picture of class Frog does not hold" in " ".join(done.stderr.split())
    assert done.stdout.splitlines()[-1] == "out/features.png"


def test_visualise_compares_paths_with_photographs(run):
    Path("photos").mkdir()
    light = np.repeat(np.linspace(0, 240, 32)[None, :, None], 32, axis=0).repeat(3, axis=2)
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 15, light.shape)
        Image.fromarray((light + noise).astype(np.uint8)).save(f"photos/{i}.png")
    words = ("--class", "1", "--steps", 2, "--natural", "photos")
    (one,) = printed(run, "visualise", "tiny", *words)["pictures"]
    assert one["label"] == "class Automobile"
    assert np.isfinite(one["path_similarity"])


def test_visualise_refuses_words_that_do_not_go_together(run):
    assert "Neither --layer nor --class came" in refused(run, "visualise", "tiny")
    both = ("--layer", LAYER, "--class", "Frog")
    assert "--layer came with --class" in refused(run, "visualise", "tiny", *both)
    alone = ("--class", "Frog", "-c", 1)
    assert "--channel came without --layer" in refused(run, "visualise", "tiny", *alone)
    assert "no class 'Toad'" in refused(run, "visualise", "tiny", "--class", "Toad")
    outside = ("--layer", LAYER, "-c", 4)
    assert "outside the 4 channels" in refused(run, "visualise", "tiny", *outside)
    assert "no way 'foo'" in refused(run, "visualise", "tiny", "--class", "1", "--way", "foo")


def test_dream_gives_what_deep_dream_gives(run, models):
    pixels = picture("a.png", (40, 48))
    words = ("--layer", LAYER, "--octaves", 2, "--steps", 2, "--save", "figures/d.png")
    found = printed(run, "dream", "tiny", "a.png", *words)
    expected = features.DeepDream(LAYER, octaves=2, steps=2)(
        tfxai.load(models / "tiny.keras"), pixels
    )
    with Image.open("figures/d.png") as image:
        difference = np.abs(np.asarray(image).astype(int) - expected.image)
    assert difference.max() <= 1
    assert [tuple(one["size"]) for one in found["octaves"]] == list(expected.sizes)
    assert found["octaves"][1]["norm_after"] > found["octaves"][1]["norm_before"]


def test_dream_refuses_what_is_no_image_file(run):
    picture("a.png")
    words = ("dream", "tiny", "a.png", "--layer", LAYER)
    assert "ends in '.pdf'" in refused(run, *words, "--save", "a.pdf")
    assert "would replace" in refused(run, *words, "--save", "a.png")


@pytest.mark.parametrize("by", ["activation", "relevance"])
def test_top_images_names_the_images(run, models, by):
    pixels = np.stack([picture(f"photos/{i}.png", seed=i) for i in range(5)])
    words = ("--layer", LAYER, "-c", 1, "--data", "photos", "--by", by, "--count", 2)
    found = printed(run, "top-images", "tiny", *words)
    subject = tfxai.load(models / "tiny.keras")
    expected = features.top_images(subject, LAYER, 1, pixels, by, count=2)
    named = [one["image"].rpartition("/")[2] for one in found["images"]]
    assert named == [f"{i}.png" for i in expected.indices]
    np.testing.assert_allclose(
        [one["value"] for one in found["images"]], expected.values, rtol=1e-4
    )
    with Image.open("out/top-images.png") as figure:
        assert min(figure.size) > 200
