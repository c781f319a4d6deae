"""`--skip-bad`: one bad file does not stop a folder."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.pictures import picture

UNIT = ("--preprocessing", "unit")


@pytest.fixture
def mixed(place):
    """A folder of three images, of which the middle one is a text."""
    for name in ("a", "c"):
        picture(f"photos/{name}.png", seed=ord(name))
    (place / "photos/b.png").write_text("no picture")
    return place / "photos"


def said_at_the_end(done, count, total, *names):
    assert done.exit_code == 1, done.stderr
    first, *reasons = done.stderr.splitlines()[-len(names) - 1 :]
    assert first == f"{count} of {total} were left out:"
    for line, name in zip(reasons, names, strict=True):
        assert line.startswith(f"  {name!r} ")


def test_predict_answers_about_the_others(run, mixed):
    done = run("predict", "tiny", "photos", "--skip-bad", "--json")
    said_at_the_end(done, 1, 3, "photos/b.png")
    names = [one["image"] for one in json.loads(done.stdout)["images"]]
    assert names == ["photos/a.png", "photos/c.png"]


def test_explain_writes_about_the_others(run, mixed, place):
    words = ("explain", "tiny", "photos", "gone.png", "-m", "saliency", "--format", "npz")
    done = run(*words, "--skip-bad")
    assert "There is no file 'gone.png'" in done.stderr
    assert (done.exit_code, "2 of 4 were left out:" in done.stderr) == (1, True)
    written = {path.name for path in (place / "out/explain").glob("*.npz")}
    assert written == {"a.saliency.npz", "c.saliency.npz"}


def test_compare_draws_the_others(run, mixed):
    done = run("compare", "tiny", "photos", "-m", "saliency", "--skip-bad", "--json")
    said_at_the_end(done, 1, 3, "photos/b.png")
    assert len(json.loads(done.stdout)["images"]) == 2
    assert Path("out/compare.png").is_file()


@pytest.mark.parametrize("order", [("any_size", "steep"), ("steep", "any_size")])
def test_an_image_that_fails_one_of_several_models_is_left_out_for_all(run, place, order):
    (place / "photos").mkdir()
    for name, colour in (("a", "grey"), ("b", "black"), ("c", "white")):
        Image.new("RGB", (32, 32), colour).save(place / f"photos/{name}.png")
    first, second = order
    words = ("photos", "--model", second, "-m", "saliency", *UNIT)
    alone = run("compare", "any_size", "photos", "-m", "saliency", *UNIT, "--json")
    assert alone.exit_code == 0, alone.stderr  # the black one fails the steep model alone
    done = run("compare", first, *words, "--skip-bad", "--json")
    assert done.exit_code == 1, done.stderr
    listed = done.stderr.split("1 of 3 were left out:\n")[1]
    assert listed.startswith("  saliency gives NaN or infinity for 'photos/b.png'.")
    assert listed.count("photos/") == 1
    found = [(one["model"], one["image"]) for one in json.loads(done.stdout)["images"]]
    kept = ("photos/a.png", "photos/c.png")
    assert found == [(model, image) for model in order for image in kept]
    assert (place / "out/compare.png").is_file()
    table = run("compare", first, *words, "--skip-bad")
    assert table.exit_code == 1
    assert "b.png" not in table.stdout
    assert all(table.stdout.count(image) == 2 for image in kept)


def test_accuracy_is_that_of_the_others(run, place):
    picture("data/cat/a.png")
    picture("data/dog/a.png")
    (place / "data/dog/b.png").write_bytes((place / "data/dog/a.png").read_bytes()[:200])
    done = run("accuracy", "tiny", "--data", "data", "--skip-bad", "--json")
    said_at_the_end(done, 1, 3, "data/dog/b.png")
    assert json.loads(done.stdout)["images"] == 2


def test_nothing_left_out_is_exit_code_0(run):
    picture()
    done = run("predict", "tiny", "photo.png", "--skip-bad")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["predict", "explain", "compare"])
def test_where_every_file_is_bad_nothing_is_written(run, place, command):
    (place / "a.png").write_text("no picture")
    method = () if command == "predict" else ("-m", "saliency")
    done = run(command, "tiny", "a.png", *method, "--skip-bad", "--json")
    said_at_the_end(done, 1, 1, "a.png")
    found = json.loads(done.stdout)
    assert (found["images"] if isinstance(found, dict) else found) == []
    assert not (place / "out").exists()


def test_an_image_of_which_numbers_are_not_finite_is_left_out_alone(run, fails):
    Path("photos").mkdir()
    for name, colour in (("a", "grey"), ("black", "black"), ("c", "white")):
        Image.new("RGB", (32, 32), colour).save(f"photos/{name}.png")
    words = ("explain", "steep", "photos", "-m", "saliency", *UNIT, "--format", "npz")
    assert "NaN or infinity for 'photos/black.png'" in fails(*words)
    done = run(*words, "--skip-bad", "--json")
    assert done.exit_code == 1
    assert "1 of 3 were left out:\n  saliency gives NaN or infinity for 'photos/black.png'" in (
        done.stderr
    )
    assert [one["image"] for one in json.loads(done.stdout)] == ["photos/a.png", "photos/c.png"]


def test_a_file_that_vanishes_after_it_was_checked_is_left_out(run, monkeypatch):
    from tfxai.data import images

    for name in ("a", "b"):
        picture(f"photos/{name}.png")
    read, seen = images.read_image, []

    def vanishing(path):
        seen.append(path.name)
        if path.name == "a.png" and seen.count("a.png") == 2:
            path.unlink()
        return read(path)

    monkeypatch.setattr(images, "read_image", vanishing)
    done = run("predict", "tiny", "photos", "--skip-bad", "--json")
    assert "1 of 2 were left out:\n  There is no file 'photos/a.png'" in done.stderr
    assert [one["image"] for one in json.loads(done.stdout)["images"]] == ["photos/b.png"]
