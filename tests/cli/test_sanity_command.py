import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai import plotting
from tfxai.data import load_cifar10
from tfxai.sanity import ParameterRandomisation, RandomLogit

FOR = ("-m", "saliency", "-m", "guided_backprop")


@pytest.fixture
def pixels():
    return np.stack([picture(f"photos/{i}.png", seed=i) for i in range(3)])


def checked(run, *words):
    """What --json printed."""
    done = run("sanity", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_gives_what_the_check_gives(run, models, pixels):
    words = ("--data", "photos", *FOR, "--seed", 4, "--csv", "a.csv", "--save", "figures/a.png")
    found = checked(run, "tiny", *words)
    subject = tfxai.load(models / "tiny.keras")
    check = ParameterRandomisation(most_steps=12, seed=4)
    for record, method in zip(
        found["results"], (tfxai.Saliency(), tfxai.GuidedBackprop()), strict=True
    ):
        expected = check(subject, pixels, method).to_dict()
        assert record["passes"] == expected["passes"]
        assert [one["step"] for one in record["steps"]] == ["Output_Layer", "Conv2D_Block3_Layer1"]
        assert record["mean_rank_correlation"] == pytest.approx(
            expected["mean_rank_correlation"], abs=1e-4
        )
    with Image.open("figures/a.png") as figure:
        assert figure.width > figure.height > 400
    with Path("a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["saliency"] * 2 + ["guided_backprop"] * 2
    steps = [step for record in found["results"] for step in record["steps"]]
    for row, step in zip(rows, steps, strict=True):
        assert float(row["spearman"]) == step["spearman"]
    assert checked(run, "tiny", *words) == found  # the same seed


def test_words_say_which_methods_pass(run, pixels):
    done = run("sanity", "tiny", "--data", "photos", "--check", "logit", *FOR)
    lines = done.stdout.splitlines()
    for name in ("saliency", "guided_backprop"):
        (line,) = [
            line for line in lines if line.startswith(f"{name} ") and "random_logit" in line
        ]
        assert line.split()[1] in ("passes", "fails")
        assert "over 3 examples" in line
        assert line.endswith("0.75.")
    assert lines[-1] == "out/sanity.png"


def test_one_layer_at_a_time_has_no_verdict(run, pixels):
    done = run("sanity", "tiny", "--data", "photos", "--check", "independent", "-m", "saliency")
    assert "its maps notice" in done.stdout
    assert "passes" not in done.stdout


def test_a_model_of_shuffled_labels_is_compared_with(run, models, pixels):
    words = ("--data", "photos", "--check", "labels", "--shuffled", "bare", "-m", "saliency")
    done = run("sanity", "tiny", *words, "--preprocessing", "unit")
    assert done.exit_code == 2
    assert "gives the very answers" in done.stderr


def test_images_of_cifar10_are_evenly_spaced(run, monkeypatch):
    seen = []
    call = RandomLogit.__call__

    def spy(self, model, inputs, *words, **options):
        seen.append(inputs)
        return call(self, model, inputs, *words, **options)

    monkeypatch.setattr(RandomLogit, "__call__", spy)
    words = ("--limit", 3, "--check", "logit", "-m", "saliency")
    assert checked(run, "tiny", *words)["images"] == 3
    np.testing.assert_array_equal(seen[0], load_cifar10("test")[0][[0, 5000, 9999]])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--check", "edges"), "'edges'"),
        (("--check", "labels"), "--check came without --shuffled MODEL"),
        (("--shuffled", "tiny"), "is 'parameters' and came with --shuffled"),
        (("--data", "nowhere"), "--data 'nowhere' is not a folder"),
        (("--save", "a.txt"), "names no picture"),
        (("--threshold", "2"), "threshold=2.0"),
        (("--method", "grad_cm"), "grad_cm"),
    ],
)
def test_what_cannot_be_done_is_said(fails, words, sentence):
    assert sentence in fails("sanity", "tiny", *words)


def test_figure_has_a_line_for_each_method_and_the_threshold(models, pixels):
    subject = tfxai.load(models / "tiny.keras")
    check = ParameterRandomisation(threshold=0.3)
    results = [check(subject, pixels, one) for one in (tfxai.Saliency(), tfxai.GradientInput())]
    figure = plotting.plot_sanity(results, title="tiny")
    ranks, structure = figure.axes
    for one, line in zip(results, ranks.lines, strict=False):
        np.testing.assert_allclose(line.get_ydata(), [1, *one.means()])
    for one, line in zip(results, structure.lines, strict=True):
        np.testing.assert_allclose(line.get_ydata(), [1, *one.means("ssim")])
    assert ranks.lines[-1].get_ydata() == [0.3, 0.3]
    assert [label.get_text() for label in ranks.get_xticklabels()] == [
        "as trained",
        "Output_Layer",
        "Conv2D_Block3_Layer1",
    ]
    texts = [text.get_text() for text in figure.texts]
    assert any("saliency: mean " in text for text in texts)
    assert results[0].plot().axes[0].lines[0].get_ydata()[0] == 1
    with pytest.raises(tfxai.errors.InvalidInputError, match="their steps differ"):
        plotting.plot_sanity([results[0], RandomLogit()(subject, pixels, tfxai.Saliency())])
