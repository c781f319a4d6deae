import numpy as np
import pytest
from PIL import Image

from tfxai import concepts
from tfxai.concepts import CAV, TCAV, Concept
from tfxai.concepts.patterns import NAMES, pattern
from tfxai.errors import InvalidInputError, UnknownNameError


def noise(count, seed=0, shape=(8, 8, 3)):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def coherence(image):
    """How much more a picture varies in one direction than across it, in [0, 1]."""
    grey = image.mean(axis=-1)
    y, x = np.gradient(grey)
    across = (y * x).mean()
    low, high = np.linalg.eigvalsh([[(y * y).mean(), across], [across, (x * x).mean()]])
    return (high - low) / (high + low)


@pytest.mark.parametrize("name", NAMES)
def test_a_drawn_concept_depends_on_nothing_but_its_seed(name):
    first, again = pattern(name, 12, (16, 24), 3), pattern(name, 12, (16, 24), 3)
    assert first.images.shape == (12, 16, 24, 3)
    np.testing.assert_array_equal(first.images, again.images)
    assert not first.digests & pattern(name, 12, (16, 24), 4).digests
    np.testing.assert_array_equal(pattern(name, 15, (16, 24), 3).images[:12], first.images)


def test_stripes_vary_in_one_direction_and_the_others_in_two():
    of = {name: np.mean([coherence(i) for i in pattern(name, 20, 32, 0).images]) for name in NAMES}
    assert of["stripes"] > 0.9
    assert max(of["dots"], of["checks"], of["zigzags"]) < of["stripes"] - 0.2


def test_colours_have_the_colour_of_their_name():
    red, green, blue = concepts.colour("red", 20).images.mean(axis=(0, 1, 2))
    assert red > 2 * max(green, blue)
    assert concepts.colour("white", 20).images.mean() > 180
    assert concepts.colour("black", 20).images.mean() < 60


def test_folders_are_read_with_the_folders_in_them(tmp_path):
    for i, image in enumerate(noise(12)):
        path = tmp_path / "spots" / ("a" if i % 2 else "b") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    found = Concept.from_folder(tmp_path / "spots")
    assert (found.name, found.digests) == ("spots", Concept("x", noise(12)).digests)
    assert Concept.from_folder(tmp_path / "spots", size=16).images.shape == (12, 16, 16, 3)


def test_a_concept_keeps_its_images_whatever_becomes_of_the_array():
    images = noise(12)
    concept = Concept("spots", images)
    images[:] = 0
    assert len(concept.digests) == 12
    with pytest.raises(ValueError, match="read-only"):
        concept.images[0] = 0


BAD = {
    "too few": (lambda: Concept("spots", noise(9)), "has 9 images, 9 of them different"),
    "copies": (lambda: Concept("spots", np.repeat(noise(1), 40, 0)), "40 images, 1 of them"),
    "sizes": (
        lambda: Concept("spots", [*noise(10), *noise(1, shape=(9, 8, 3))]),
        r"several sizes: \(8, 8, 3\) and \(9, 8, 3\)",
    ),
    "numbers": (lambda: Concept("spots", np.zeros((12, 4), int)), "came as int64"),
    "nan": (lambda: Concept("spots", np.full((12, 4), np.nan)), "NaN or infinite"),
    "same": (
        lambda: CAV(layer="a", concept=noise(12), random=noise(12)[::-1]),
        "'concept' and 'random' hold the same images",
    ),
    "shared": (
        lambda: CAV(layer="a", concept=noise(12), random=[*noise(30, 1), noise(12)[3]]),
        "share 1 images",
    ),
    "other size": (
        lambda: CAV(layer="a", concept=noise(12), random=noise(30, 1, (9, 9, 3))),
        r"shape \(8, 8, 3\), those of 'random' \(9, 9, 3\)",
    ),
    "other form": (
        lambda: CAV(layer="a", concept=noise(12), random=noise(30, 1) / 255.0),
        "are uint8, those of 'random' float64",
    ),
    "few randoms": (
        lambda: TCAV(layers="a", concepts={"spots": noise(12)}, randoms=noise(119, 1)),
        "119 different images, and concept 'spots' of 12 images needs 120",
    ),
    "two of a name": (
        lambda: TCAV(
            layers="a", concepts=[Concept("b", noise(12)), Concept("b", noise(12, 2))],
            randoms=noise(200, 1),
        ),
        "two of one name",
    ),
    "one relative": (
        lambda: TCAV(
            layers="a", concepts={"b": noise(12)}, randoms=noise(200, 1), relative=True
        ),
        "one concept came",
    ),
    "layers": (
        lambda: TCAV(layers=(), concepts={"b": noise(12)}, randoms=noise(200, 1)),
        "paths of layers",
    ),
    "size": (lambda: concepts.stripes(12, size=4), "size=4 was expected"),
    "seed": (lambda: concepts.stripes(12, seed=-1), "seed=-1"),
    "large": (lambda: concepts.stripes(90_000, size=4000), "more than 2 GiB"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_does_not_fit_is_refused_in_a_sentence(case):
    make, sentence = BAD[case]
    with pytest.raises(InvalidInputError, match=sentence):
        make()


def test_a_colour_that_nobody_drew_is_refused():
    with pytest.raises(UnknownNameError, match="mauve"):
        concepts.colour("mauve")
