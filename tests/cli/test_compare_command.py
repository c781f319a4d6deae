import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.cli.pictures import picture
from tests.processes import ROOT
from tfxai import plotting
from tfxai.data import CLASSES, fit_image, load_cifar10, read_classes

FOR = ("-m", "saliency")


@pytest.fixture
def drawn(monkeypatch):
    """What the command hands to be drawn: one sequence of attributions for each method."""
    found = []
    draw = plotting.plot_comparison

    def spy(columns, **options):
        found.append((columns, options["names"], options["headings"]))
        return draw(columns, **options)

    monkeypatch.setattr(plotting, "plot_comparison", spy)
    return found


def compare(run, *words):
    """What --json printed."""
    done = run("compare", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_three_cams_of_each_image_are_drawn_if_no_method_is_named(run, drawn, models):
    pixels = [picture(f"photos/{i}.png", seed=i) for i in range(3)]
    found = compare(run, "tiny", "photos", "--save", "figures/a.png")
    assert found["figure"] == "figures/a.png"
    with Image.open("figures/a.png") as figure:
        assert figure.width > figure.height > 3 * 1.6 * 160
    ((columns, names, _),) = drawn
    subject = tfxai.load(models / "tiny.keras")
    methods = (tfxai.GradCAM(), tfxai.GradCAMPlusPlus(), tfxai.ScoreCAM())
    for column, method in zip(columns, methods, strict=True):
        whole = method(subject, np.stack(pixels))
        for i, one in enumerate(column):
            np.testing.assert_allclose(one.values, whole[i].values, rtol=1e-4, atol=1e-7)
            assert one.target == whole.target[i]
    assert names == [f"photos/{i}.png" for i in range(3)]


def test_json_says_what_was_explained(run):
    picture()
    words = ("--target", "Frog", "-m", "saliency", "-m", "grad_cam")
    (image,) = compare(run, "tiny", "photo.png", *words)["images"]
    assert [one["name"] for one in image["explanations"]] == ["saliency", "grad_cam"]
    assert {one["class"] for one in image["explanations"]} == {"Frog"}
    assert len(image["predictions"]) == 5


def test_the_table_has_a_line_for_each_image_and_the_figure_comes_last(run):
    picture()
    lines = run("compare", "tiny", "photo.png", *FOR, "--target", "Cat").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("photo.png")]
    assert "Cat" in line
    assert line.rstrip().endswith("%")
    assert lines[-1] == "out/compare.png"


def test_options_and_a_layer_reach_the_methods(run, drawn):
    picture()
    words = ("--layer", "MaxPool", "-o", "score_cam.channels=2")
    compare(run, "tiny", "photo.png", "-m", "grad_cam", "-m", "score_cam", *words)
    ((columns, _, _),) = drawn
    assert [one[0].method["options"]["layer"] for one in columns] == ["MaxPool"] * 2
    assert columns[1][0].method["options"]["channels"] == 2


def test_images_of_any_size_stand_in_one_figure(run, drawn):
    for name, size in (("a.png", (20, 30)), ("b.png", (40, 16))):
        picture(name, size)
    compare(run, "any_size", "a.png", "b.png", *FOR, "--preprocessing", "unit")
    ((columns, _, _),) = drawn
    assert [one.values.shape for one in columns[0]] == [(1, 20, 30, 3), (1, 40, 16, 3)]


@pytest.mark.parametrize(
    ("save", "said"),
    [
        ("a.txt", "'a.txt' ends in '.txt', which names no picture format"),
        ("photo.png", "'photo.png' would replace an image that is explained"),
        ("photo.png/a.png", "photo.png' is not a folder. Choose another folder"),
        ("folder.png", "Cannot write 'folder.png': it is a folder"),
    ],
)
def test_a_figure_that_cannot_be_written_is_met_at_once(fails, place, save, said, monkeypatch):
    picture()
    (place / "folder.png").mkdir()
    monkeypatch.setattr("tfxai.registry.find", None)  # no model is looked for
    assert said in fails("compare", "tiny", "photo.png", "--save", save)


def test_too_many_images_are_refused_at_once(fails, monkeypatch):
    for number in range(41):
        picture(f"photos/{number}.png", (2, 2))
    monkeypatch.setattr("tfxai.registry.find", None)
    assert "41 images are too many for one figure. Pass 40" in fails("compare", "tiny", "photos")


def test_a_figure_that_fails_half_way_leaves_the_earlier_one(fails, monkeypatch, place):
    picture()
    (place / "old.png").write_bytes(b"an earlier figure")

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sentence = fails("compare", "tiny", "photo.png", *FOR, "--save", "old.png")
    assert "Cannot write 'old.png': No space left on device" in sentence
    monkeypatch.undo()
    assert (place / "old.png").read_bytes() == b"an earlier figure"


@pytest.mark.data
def test_the_five_images_of_make_comparison_are_the_first_of_their_classes(test_data):
    recipe = (ROOT / "Makefile").read_text().split("\ncomparison:")[1].split("\n\n")[0]
    labels = load_cifar10("test")[1]
    index = [int(one) for one in re.findall(r"cifar10:test:(\d+)", recipe)]
    wanted = ("Airplane", "Automobile", "Ship", "Truck", "Horse")
    assert [CLASSES[labels[i]] for i in index] == list(wanted)
    assert [int(np.argmax(labels == labels[i])) for i in index] == index


@pytest.mark.slow
@pytest.mark.data
def test_three_cams_of_thumbnails_and_a_model_of_imagenet(run, drawn, test_data):
    model = test_data / "models/efficientnet_lite0.keras"
    classes = test_data / "data/imagenet_class_index.json"
    words = ("--resize", "224", "--preprocessing", "none", "--classes", classes)
    few = ("-o", "score_cam.channels=2")
    found = compare(run, model, "cifar10:test:1", "cifar10:test:11", *words, *few)["images"]
    images = load_cifar10("test")[0][[1, 11]]
    pixels = np.stack([fit_image(image, 224, 224, "bilinear") for image in images])
    answers = np.asarray(tfxai.load(model).model(pixels.astype(np.float32)))
    for one, answer in zip(found, answers, strict=True):
        assert [each["class"] for each in one["explanations"]] == [
            read_classes(classes)[answer.argmax()]
        ] * 3
        best = one["explanations"][0]["probability"]
        assert best == pytest.approx(answer.max(), rel=1e-3)
    ((columns, names, _),) = drawn
    assert names == ["cifar10:test:1\nlabelled Ship", "cifar10:test:11\nlabelled Truck"]
    for column in columns:
        for one, image in zip(column, pixels, strict=True):
            np.testing.assert_array_equal(one.inputs[0], image)
            assert one.values.shape == (1, 7, 7)
            assert one.values.max() > 0


def test_models_are_compared_about_the_class_that_the_first_one_predicts(run, drawn, models):
    pixels = picture("photo.png", seed=4)
    words = ("--model", "by_colour", *FOR, "-m", "gradient_input")
    first, second = compare(run, "by_dense_colour", "photo.png", *words)["images"]
    assert (first["model"], second["model"]) == ("by_dense_colour", "by_colour")
    columns, headings = drawn[0][0], drawn[0][2]
    assert headings == [
        f"{model}, {method}"
        for model in ("by_dense_colour", "by_colour")
        for method in ("Saliency", "Gradient \N{MULTIPLICATION SIGN} Input")
    ]
    subjects = [tfxai.load(models / f"{name}.keras") for name in ("by_dense_colour", "by_colour")]
    target = int(tfxai.Saliency()(subjects[0], pixels[None]).target[0])
    for k, (subject, method) in enumerate(
        (subject, method)
        for subject in subjects
        for method in (tfxai.Saliency(), tfxai.GradientInput())
    ):
        expected = method(subject, pixels[None], target)
        np.testing.assert_allclose(columns[k][0].values, expected.values, rtol=1e-4, atol=1e-7)


def test_the_table_names_each_model(run):
    picture("photo.png")
    done = run("compare", "by_dense_colour", "photo.png", "--model", "by_colour", *FOR)
    assert done.exit_code == 0, done.stderr
    assert "Model" in done.stdout
    assert "by_dense_colour" in done.stdout


def test_another_model_that_lacks_the_class_is_refused(fails):
    picture("photo.png")
    words = ("compare", "tiny", "photo.png", "--model", "by_colour", *FOR)
    assert "no class of the model" in fails(*words)


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_a_number_is_explained_as_an_output_and_no_class(run):
    pixels = picture("photo.png")
    image = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    keras.Model(image, keras.layers.Dense(1)(mean)).save("age.keras")
    words = ("photo.png", "--preprocessing", "unit", *FOR)
    done = run("compare", "age.keras", *words)
    assert done.exit_code == 0, done.stderr
    assert re.search(r"Explained +Score", done.stdout)
    value = tfxai.load("age.keras").model.predict(pixels[None] / 255, verbose=0)[0, 0]
    assert f"{value:.4g}" in done.stdout
    assert re.search(r"photo.png +Output +", done.stdout)
    done = run("explain", "age.keras", *words)
    assert re.search(r"Output +Value", done.stdout)
    assert re.search(r"saliency +Output +output ", done.stdout)
    assert "Class" not in done.stdout
