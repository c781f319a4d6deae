import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.builders import KERAS_SAVES
from tests.cli.conftest import convolutional
from tests.cli.pictures import picture

FOR = ("-m", "saliency")


def test_a_missing_image(fails):
    assert fails("predict", "tiny", "gone.png").startswith("There is no file 'gone.png'")


def test_a_truncated_image(fails, place):
    picture("whole.png", (64, 64))
    cut = (place / "whole.png").read_bytes()[:3000]
    (place / "cut.png").write_bytes(cut)
    assert "'cut.png' cannot be read" in fails("explain", "tiny", "cut.png", *FOR)


def test_a_text_file_called_png(fails, place):
    (place / "note.png").write_text("Dear reader, this is no picture.")
    assert fails("explain", "tiny", "note.png", *FOR).startswith("'note.png' is not an image")


def test_a_file_that_is_no_image(fails, models):
    assert "is not an image" in fails("predict", "tiny", models / "tiny.keras")


def test_one_bad_image_among_good_ones_stops_before_anything_is_written(fails, place):
    picture("photos/a.png")
    (place / "photos/b.png").write_text("no picture")
    assert "'photos/b.png' is not an image" in fails("explain", "tiny", "photos", *FOR)


def test_an_empty_folder(fails, place):
    (place / "empty").mkdir()
    assert fails("explain", "tiny", "empty", *FOR).startswith("The folder 'empty' holds no image")


def converted(kind, pixels):
    """The same picture as bytes of another kind of file."""
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    if kind == "animated":
        image.save(stream, "GIF", save_all=True, append_images=[image.rotate(90)])
    elif kind == "16 bits":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(stream, "PNG")
    elif kind == "CMYK":
        image.convert("CMYK").save(stream, "TIFF")
    else:
        image.putalpha(128)
        image.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["animated", "16 bits", "CMYK", "alpha"])
def test_unusual_images_are_converted(run, place, kind):
    (place / "photo.png").write_bytes(converted(kind, picture()))
    done = run("predict", "tiny", "photo.png")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "%" in done.stdout


def test_the_conversions_are_documented_in_the_help(run):
    text = " ".join(run("explain", "--help").stdout.replace("│", " ").split())
    assert "first frame" in text
    assert "16 bits, CMYK and transparency (on white) are converted" in text
    assert "cropped to its shape and resized" in text


def test_nan_in_an_image(fails, place):
    values = np.full((32, 32), np.nan, np.float32)
    Image.fromarray(values).save(place / "nan.tif")
    assert "32-bit pixels" in fails("predict", "tiny", "nan.tif")


def test_a_model_that_answers_nan(fails):
    picture()
    assert "answers 'photo.png' with NaN" in fails("explain", "broken", "photo.png", *FOR)


def test_a_gradient_that_is_infinite(fails, place):
    Image.new("RGB", (32, 32)).save("black.png")
    words = ("explain", "steep", "black.png", *FOR, "--preprocessing", "unit")
    assert "saliency gives NaN or infinity for 'black.png'" in fails(*words)


@pytest.mark.parametrize("target", ["10", "-1"])
def test_a_target_out_of_range(fails, target):
    picture()
    sentence = fails("explain", "tiny", "photo.png", *FOR, "--target", target)
    assert f"target={target} is outside the model's 10 outputs" in sentence


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "Frogg"], "no class 'Frogg'. Did you mean 'Frog'?"),
        (["-m", "salience"], "no method 'salience'. Did you mean 'saliency'?"),
        (["-o", "absolut=no"], "no option 'absolut' of saliency. Did you mean 'absolute'?"),
        (["-o", "salency.absolute=no"], "no chosen method 'salency'. Did you mean 'saliency'?"),
        (["-m", "grad_cam", "--layer", "MaxPol"], "no layer 'MaxPol'. Did you mean 'MaxPool'?"),
        (["--at", "MaxPol"], "no layer 'MaxPol'. Did you mean 'MaxPool'?"),
        (["--score", "logits"], "no score 'logits'. Did you mean 'logit'?"),
        (["--format", "pnq"], "no format 'pnq'. Did you mean 'png'?"),
        (["--preprocessing", "torhc"], "no preprocessing 'torhc'. Did you mean 'torch'?"),
    ],
)
def test_an_unknown_name_brings_the_nearest(fails, words, said):
    picture()
    assert f"There is {said}" in fails("explain", "tiny", "photo.png", *FOR, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--layer", "MaxPool"],
            "--layer MaxPool is for methods that look at a layer, and saliency does not",
        ),
        (["-o", "absolute"], "'absolute' was expected to be key=value"),
        (["-o", "absolute=perhaps"], "absolute=perhaps cannot be used: true or false was"),
        (["-m", "integrated_gradients", "-o", "steps=0"], "steps=0"),
        (["-m", "integrated_gradients", "-o", "steps=many"], "a whole number was expected"),
        (["-m", "grad_cam", "--layer", "Flatten"], "'Flatten' has output shape"),
        (["-m", "conductance"], "conductance needs a layer. Pass --layer PATH"),
        (["-m", "gradient_shap"], "needs the option 'background'. Pass --option background="),
        (["-m", "gradient_shap", "-o", "background=no.npy"], "There is no file 'no.npy'"),
        (["-m", "grad_cam", "--at", "MaxPool"], "grad_cam explains the input only"),
        (["--resize", "0"], "greater than or equal to 1, not '0'"),
        (["--resize", "8193"], "less than or equal to 8192, not '8193'"),
        (["--resize", "big"], "should be a valid integer"),
        (["--resize", "32.5"], "should be a valid integer"),
        (
            ["--resize", "224"],
            "--resize 224 makes images of 224x224 pixels, and the model",
        ),
        (["--resize", "224"], "takes 32x32 (width x height). Pass --resize 32, or leave"),
        (["--classes", "none.txt"], "There is no file 'none.txt'"),
        (["--classes", "photo.png"], "The file of classes 'photo.png' cannot be read as text"),
        (["--seed", "-1"], "greater than or equal to 0, not '-1'"),
    ],
)
def test_a_value_that_cannot_be_used_is_said(fails, words, said):
    picture()
    assert said in fails("explain", "tiny", "photo.png", *FOR, *words)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("autoencoder", "returns shape (B, 32, 32, 3), and one row of numbers for each image"),
        ("two_outputs", "returns 2 outputs, and one row of numbers for each image"),
        ("table", "takes shape (B, 4), and images were expected"),
    ],
)
def test_a_model_that_is_no_classifier_of_images(fails, model, said):
    picture()
    assert said in fails("explain", model, "photo.png", *FOR, "--preprocessing", "unit")


def test_a_side_for_a_model_of_oblong_images(fails):
    picture()
    words = ("--preprocessing", "unit", "--resize", "16")
    sentence = fails("explain", "grey", "photo.png", *FOR, *words)
    assert "takes 24x16 (width x height). No square fits it: leave --resize out" in sentence


def test_a_file_with_another_number_of_classes(fails, place):
    picture()
    (place / "names.txt").write_text("Cat\nDog\n")
    sentence = fails("predict", "tiny", "photo.png", "--classes", "names.txt")
    assert "'names.txt' names 2 classes, and the model has 10. Pass" in sentence


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_a_file_with_one_name_for_two_outputs(fails, place):
    picture()
    convolutional(units=2).save(place / "pair.keras")
    (place / "names.txt").write_text("Cat\n")
    words = ("--preprocessing", "unit", "--classes", "names.txt")
    sentence = fails("predict", "pair.keras", "photo.png", *words)
    assert "'names.txt' names 1 classes, and the model has 2. Pass" in sentence


def test_a_card_with_another_number_of_classes(fails, models, place):
    picture()
    (place / "own.keras").write_bytes((models / "scores.keras").read_bytes())
    (place / "own.json").write_text((models / "tiny.json").read_text())
    sentence = fails("predict", "own.keras", "photo.png")
    assert "names 10 classes, and the model has 3" in sentence


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("tiney", "There is no model 'tiney'. Did you mean 'tiny'?"),
        ("./tiny.keras", "There is no model file 'tiny.keras'"),
        (".", "'.' is a folder"),
        ("photo.png", "'photo.png' is no file that ends in .keras or .h5"),
        ("cut.keras", "'cut.keras' holds no model"),
    ],
)
def test_a_model_that_cannot_be_had(fails, models, place, model, said):
    picture()
    (place / "cut.keras").write_bytes((models / "tiny.keras").read_bytes()[:5000])
    assert said in fails("predict", model, "photo.png")


def test_an_output_folder_that_is_a_file(fails, place):
    picture()
    (place / "out").write_text("here first")
    sentence = fails("explain", "tiny", "photo.png", *FOR, "--out", "out/figures")
    assert re.match(r"Cannot write to 'out/figures': '.*/out' is not a folder\. Choose", sentence)
    assert (place / "out").read_text() == "here first"


def test_a_disk_that_fills_up_leaves_no_half_written_file(fails, monkeypatch):
    picture()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    sentence = fails("explain", "tiny", "photo.png", *FOR, "--out", ".", "--format", "npz")
    assert "Cannot write 'photo.saliency.npz': No space left on device" in sentence


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cifar10:tset:1", "no split of CIFAR-10 'tset'. Did you mean 'test'?"),
        ("cifar10:test:10000", "the test split has images 0 to 9999"),
        ("cifar10:train:x", "the train split has images 0 to 49999"),
        ("cifar10:test:²", "the test split has images 0 to 9999"),
        ("cifar10:", "There is no split of CIFAR-10 ''"),
    ],
)
def test_an_image_of_cifar10_that_does_not_exist(fails, word, said):
    assert said in fails("predict", "tiny", word)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explian"], "No such command 'explian'. Did you mean 'explain'? Try: tfxai --help"),
        (["explain", "tiny", "x.png"], "Missing option '--method'"),
        (["predict"], "Missing argument 'MODEL'. Try: tfxai predict --help"),
        (["predict", "tiny"], "Nothing came to classify. Pass an IMAGE; for a model of texts"),
        (["predict", "--jsn", "tiny", "x.png"], "No such option: --jsn"),
        (
            ["compare", "tiny", "x.png", "--out", "a.png"],
            "Did you mean --save? Try: tfxai",
        ),
        (["explain", "tiny", "x.png", "--save", "a"], "Did you mean --out? Try: tfxai explain"),
        (["predict", "tiny", "x.png", "--out", "a"], "--import). Try: tfxai predict --help"),
        (["accuracy", "tiny", "--limit", "0"], "greater than or equal to 1, not '0'"),
    ],
)
def test_a_mistake_in_the_words_is_one_sentence_too(fails, words, said):
    assert said in fails(*words)
