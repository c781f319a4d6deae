"""`tfxai debug` says of labelled images what the library measures."""

import json

import pytest
from PIL import Image

COLOURS = {  # `by_colour` sees green twice as strong: two of these are taken for green
    "Red": [(200, 50, 0), (120, 90, 0)],
    "Green": [(0, 90, 50)],
    "Blue": [(0, 50, 200), (90, 70, 120)],
}


@pytest.fixture
def colours(place):
    for name, several in COLOURS.items():
        for number, colour in enumerate(several):
            path = place / "colours" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), colour).save(path)


@pytest.mark.usefixtures("colours")
def test_mistakes_are_counted_named_and_drawn(run):
    words = ("debug", "by_colour", "--data", "colours", "-m", "gradient_input")
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["examples"], found["misclassified"]) == (5, 2)
    assert found["confusions"] == [
        {"true": "Red", "predicted": "Green", "count": 1},
        {"true": "Blue", "predicted": "Green", "count": 1},
    ]
    images = [one["image"] for one in found["mistakes"]]
    assert images == ["colours/Blue/1.png", "colours/Red/1.png"]
    with Image.open(found["figure"]) as figure:
        assert figure.width > 300
    text = run(*words)
    assert "2 of 5 images are misclassified." in text.stdout
    assert "colours/Red/1.png: Green instead of Red" in text.stdout.replace("\n", " ")


@pytest.mark.usefixtures("colours")
def test_a_model_without_a_card_is_told_its_classes(run, fails, place):
    words = ("debug", "any_size", "--data", "colours", "-m", "saliency", "--preprocessing", "unit")
    words += ("--resize", "24")
    assert "no class of the model 'Blue'" in fails(*words)
    (place / "names.txt").write_text("Red\nGreen\nBlue")
    done = run(*words, "--classes", "names.txt", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["examples"] == 5


@pytest.fixture
def learned(place):
    """Training images, of which one red one is called blue."""
    folders = {"Red": [(200, 0, 0)], "Green": [(0, 200, 0)], "Blue": [(0, 0, 200), (190, 0, 10)]}
    for name, several in folders.items():
        for number, colour in enumerate(several):
            path = place / "learned" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), colour).save(path)


@pytest.mark.usefixtures("colours", "learned")
def test_training_images_that_weigh_and_doubtful_labels_are_named(run, fails, place):
    words = ("debug", "by_dense_colour", "--data", "colours", "-m", "gradient_input")
    done = run(*words, "--training", "learned", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    (doubtful,) = found["suspects"]
    assert doubtful["image"] == "learned/Blue/1.png"
    assert (doubtful["label"], doubtful["predicted"]) == ("Blue", "Red")
    for one in found["mistakes"]:
        nearest = one["training"]["nearest"]
        assert {other["image"] for other in nearest} == {
            "learned/Red/0.png",
            "learned/Green/0.png",
            "learned/Blue/0.png",
            "learned/Blue/1.png",
        }
        assert [other["similarity"] for other in nearest] == sorted(
            (other["similarity"] for other in nearest), reverse=True
        )
    text = run(*words, "--training", "learned")
    assert "learned/Blue/1.png" in text.stdout
    (place / "empty").mkdir()
    assert "'nowhere' is not a folder" in fails(*words, "--training", "nowhere")
    assert "holds no image" in fails(*words, "--training", "empty")
    assert "nobody knows whether the outputs are logits" in fails(
        "debug", "by_colour", "--data", "colours", "--training", "learned"
    )


@pytest.mark.usefixtures("colours")
def test_single_images_are_looked_at_by_the_class_that_is_named(run, place):
    Image.new("RGB", (32, 32), (120, 90, 0)).save(place / "a.png")
    words = ("debug", "by_colour", "a.png", "-m", "gradient_input", "--json")
    done = run(*words, "--true-label", "red")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    (mistake,) = found["mistakes"]
    assert (found["images"], mistake["image"]) == (["a.png"], "a.png")
    assert found["confusions"] == [{"true": "Red", "predicted": "Green", "count": 1}]
    right = json.loads(run(*words, "--true-label", "Green").stdout)
    assert (right["examples"], right["misclassified"], right["figure"]) == (1, 0, None)
    folder = json.loads(run("debug", "by_colour", "colours/Red", "colours/Blue/0.png",
        "--true-label", "Red", "-m", "gradient_input", "--json").stdout)  # fmt: skip
    assert (folder["examples"], folder["misclassified"]) == (3, 2)


@pytest.mark.usefixtures("colours")
def test_single_images_of_class_folders_have_their_labels(run):
    done = run("debug", "by_colour", "colours", "-m", "gradient_input", "--json")
    assert json.loads(done.stdout)["misclassified"] == 2


@pytest.mark.usefixtures("colours")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--true-label", "Red"), "--true-label Red says what images show, and none came"),
        (("a.png", "--data", "colours"), "Images came with --data colours"),
        (("a.png",), "Pass --true-label CLASS or --data cifar10"),
        (("a.png", "--true-label", "Rde"), "no class of the model 'Rde'"),
        (("none.png", "--true-label", "Red"), "none.png"),
    ],
    ids=["no image", "both", "no label", "no such class", "no such file"],
)
def test_words_about_single_images_that_do_not_fit_are_refused(fails, place, words, sentence):
    Image.new("RGB", (32, 32), (120, 90, 0)).save(place / "a.png")
    assert sentence in fails("debug", "by_colour", "-m", "gradient_input", *words)


def test_images_without_labels_are_refused(fails, place):
    (place / "plain").mkdir()
    Image.new("RGB", (32, 32), (200, 0, 0)).save(place / "plain" / "a.png")
    words = ("debug", "by_colour", "--data", "plain", "-m", "gradient_input")
    assert "Nothing says what 'plain/a.png' shows" in fails(*words)


@pytest.mark.usefixtures("colours")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--data", "nowhere"), "'nowhere' is not a folder"),
        (("--save", "a.doc"), "names no picture format"),
        (("-m", "salience"), "salience"),
    ],
    ids=str,
)
def test_bad_words_end_with_a_sentence(fails, words, sentence):
    assert sentence in fails("debug", "by_colour", "--data", "colours", *words)
