import json

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.cli.pictures import picture
from tests.processes import ROOT
from tfxai.data import fit_image, load_cifar10
from tfxai.data.cifar10 import CLASSES


def predictions(done):
    """What --json printed about each image."""
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["images"]


def test_the_five_best_classes_are_those_of_the_model(run, models):
    pixels = picture()
    answer = tfxai.load(models / "tiny.keras").predict(pixels[None])[0]
    (image,) = predictions(run("predict", "tiny", "photo.png", "--json"))
    best = np.argsort(-answer)[:5]
    assert [one["class"] for one in image["predictions"]] == [CLASSES[i] for i in best]
    assert [one["index"] for one in image["predictions"]] == best.tolist()
    np.testing.assert_allclose([p["probability"] for p in image["predictions"]], answer[best])


def test_the_table_names_image_class_and_probability(run):
    picture()
    (image,) = predictions(run("predict", "tiny", "photo.png", "--json"))
    lines = run("predict", "tiny", "photo.png").stdout.splitlines()
    assert lines[0] == "photo.png"
    for line, one in zip(lines[3:8], image["predictions"], strict=True):
        assert line.split()[:2] == [one["class"], f"{one['probability']:.1%}"]


def test_an_image_of_another_size_is_squared_resized_and_this_is_said(run, models):
    pixels = picture("wide.png", (50, 80))
    done = run("predict", "tiny", "wide.png", "--json")
    assert done.stderr == "wide.png: 80x50 pixels, cropped to a square and resized to 32x32.\n"
    fitted = fit_image(pixels, 32, 32)
    answer = tfxai.load(models / "tiny.keras").predict(fitted[None])[0]
    assert predictions(done)[0]["predictions"][0]["probability"] == pytest.approx(answer.max())


def test_an_image_of_the_right_size_needs_no_remark(run):
    picture()
    assert run("predict", "tiny", "photo.png").stderr == ""


def test_many_images_of_another_size_get_one_remark(run):
    for number in range(6):
        picture(f"photos/{number}.png", (40, 40 - 4 * (number == 0)))
    picture("photos/right.png")
    done = run("predict", "tiny", "photos", "--json")
    how = "cropped to a square and resized to 32x32"
    assert done.stderr == f"6 of 7 images have another size: {how}.\n"
    assert [one["image"] for one in predictions(done)][:2] == ["photos/0.png", "photos/1.png"]


def test_more_images_than_one_batch_keep_their_answers(run):
    for number in range(18):
        picture(f"photos/{number:02d}.png", seed=number)
    together = predictions(run("predict", "tiny", "photos", "--json"))
    (alone,) = predictions(run("predict", "tiny", "photos/17.png", "--json"))
    assert together[17]["predictions"][0]["class"] == alone["predictions"][0]["class"]
    assert together[17]["predictions"][0]["probability"] == pytest.approx(
        alone["predictions"][0]["probability"]
    )


def test_a_model_without_a_card_asks_how_pixels_are_preprocessed(run, fails):
    picture()
    sentence = fails("predict", "bare", "photo.png")
    assert "no card that says how pixels become its input. Pass --preprocessing" in sentence
    (bare,) = predictions(run("predict", "bare", "photo.png", "--preprocessing", "unit", "--json"))
    (tiny,) = predictions(run("predict", "tiny", "photo.png", "--json"))
    best = [one["probability"] for one in tiny["predictions"]]
    assert [one["probability"] for one in bare["predictions"]] == pytest.approx(best)
    assert bare["predictions"][0]["class"] == str(tiny["predictions"][0]["index"])


def test_preprocessing_takes_the_place_of_the_cards(run, models):
    pixels = picture()
    model = tfxai.load(models / "tiny.keras").model
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    inputs = (pixels[None] / 255 - np.array(mean)) / np.array(std)
    answer = np.asarray(model(inputs.astype(np.float32)))[0]
    (image,) = predictions(
        run("predict", "tiny", "photo.png", "--preprocessing", "standardise", "--json")
    )
    assert image["predictions"][0]["class"] == CLASSES[answer.argmax()]
    assert image["predictions"][0]["probability"] == pytest.approx(answer.max(), rel=1e-5)


def test_a_model_of_grey_images_gets_grey_ones_of_its_shape(run, models):
    pixels = picture("photo.png", (40, 40))
    done = run("predict", "grey", "photo.png", "--preprocessing", "unit", "--json")
    assert done.stderr == "photo.png: 40x40 pixels, cropped and resized to 24x16.\n"
    grey = np.asarray(Image.fromarray(fit_image(pixels, 16, 24)).convert("L"))[..., None]
    answer = np.asarray(tfxai.load(models / "grey.keras").model(grey[None] / np.float32(255)))
    found = predictions(done)[0]["predictions"][0]
    assert (found["index"], found["probability"]) == (
        answer.argmax(),
        pytest.approx(answer.max(), rel=1e-5),
    )


def test_one_sigmoid_unit_is_two_classes(run, models):
    pixels = picture()
    (image,) = predictions(
        run("predict", "binary", "photo.png", "--preprocessing", "unit", "--json")
    )
    yes = float(np.asarray(tfxai.load(models / "binary.keras").model(pixels[None] / 255.0))[0, 0])
    by_class = {one["class"]: one["probability"] for one in image["predictions"]}
    assert by_class == {"0": pytest.approx(1 - yes, rel=1e-4), "1": pytest.approx(yes, rel=1e-4)}


def test_outputs_that_are_no_probabilities_are_not_called_so(run):
    picture()
    options = ("predict", "scores", "photo.png", "--preprocessing", "unit")
    (image,) = predictions(run(*options, "--json"))
    assert set(image["predictions"][0]) == {"class", "index", "output"}
    table = run(*options).stdout
    assert "Output" in table
    assert "%" not in table


def test_a_model_that_takes_any_size_gets_images_as_they_are(run):
    picture("a.png", (20, 30))
    picture("b.png", (40, 10))
    done = run("predict", "any_size", "a.png", "b.png", "--preprocessing", "none", "--json")
    assert len(predictions(done)) == 2
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.data
def test_an_image_of_cifar10_is_that_of_the_data_set_and_brings_its_label(run, test_data, models):
    (image,) = predictions(run("predict", "tiny", "cifar10:test:5113", "--json"))
    images, _ = load_cifar10("test")
    answer = tfxai.load(models / "tiny.keras").predict(images[5113:5114])[0]
    assert image["image"] == "cifar10:test:5113"
    assert image["label"] == "Frog"
    assert image["predictions"][0]["probability"] == pytest.approx(answer.max())


@pytest.mark.slow
@pytest.mark.data
def test_a_random_image_can_be_had_again(run, test_data):
    done = run("predict", "tiny", "cifar10:test:random", "--json")
    seed = done.stderr.rstrip(")\n").rpartition(" ")[2]
    (first,) = predictions(done)
    assert done.stderr == f"cifar10:test:random is {first['image']} (again with --seed {seed})\n"
    (again,) = predictions(run("predict", "tiny", "cifar10:test:random", "--seed", seed, "--json"))
    assert again == first


@pytest.mark.parametrize("wide", ["60", "200"])
def test_tables_fit_the_terminal(run, monkeypatch, wide):
    monkeypatch.setenv("COLUMNS", wide)
    picture()
    assert max(map(len, run("predict", "tiny", "photo.png").stdout.splitlines())) <= int(wide)


def test_a_name_with_markup_and_control_codes_is_shown_harmlessly(run):
    picture("[red]\x1b[2J.png")
    done = run("predict", "tiny", "[red]\x1b[2J.png")
    assert done.stdout.startswith("[red]\N{REPLACEMENT CHARACTER}[2J.png\n")


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_a_model_with_code_in_it_is_opened_only_where_it_is_trusted(run, fails, tmp_path):
    picture()
    x = keras.Input((32, 32, 3))
    corner = keras.layers.Lambda(lambda x: x[:, 0, 0])(x)
    path = tmp_path / "code.keras"
    keras.Model(x, keras.layers.Dense(10, activation="softmax")(corner)).save(path)
    words = ("predict", path, "photo.png", "--preprocessing", "unit")
    assert "(--trust) only if you know who made the file" in fails(*words)
    assert len(predictions(run(*words, "--trust", "--json"))) == 1


def test_a_saved_model_is_opened_by_its_folder(run, tmp_path):
    picture()
    folder = tmp_path / "exported" / "1"
    tfxai.load("tiny").model.export(folder, verbose=False)
    words = ("photo.png", "--preprocessing", "unit", "--json")
    expected = predictions(run("predict", "tiny", *words))
    found = predictions(run("predict", folder, *words))
    for one, other in zip(found[0]["predictions"], expected[0]["predictions"], strict=True):
        assert one["output"] == pytest.approx(other["probability"], rel=1e-5)  # who knows what of


@pytest.mark.slow
def test_texts_are_answered(run, fails, monkeypatch, place):
    monkeypatch.setenv("TFXAI_MODELS", str(ROOT / "models"))
    texts = ["a fine film", "neither funny nor clever"]
    words = [word for text in texts for word in ("--text", text)]
    record = json.loads(run("predict", "sst2_transformer", *words, "--json").stdout)
    assert [one["text"] for one in record["texts"]] == texts
    outputs = np.exp(tfxai.load("sst2_transformer").predict(texts))  # of logits
    for i, one in enumerate(record["texts"]):
        best = one["predictions"][0]
        assert best["index"] == outputs[i].argmax()
        assert best["probability"] == pytest.approx(outputs[i].max() / outputs[i].sum(), rel=1e-5)
    (place / "some.txt").write_text("zzzqx\n")
    done = run("predict", "sst2_transformer", "--texts", "some.txt")
    assert "holds no word of the model's vocabulary" in " ".join(done.stderr.split())
    assert "negative" in done.stdout
    assert "IMAGE is not about texts" in fails("predict", "tiny", "a.png", "--text", "a")
