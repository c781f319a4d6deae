import csv
import json

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai import Attribution, plotting
from tfxai.data import fit_image, load_cifar10, read_classes

METHODS = ("-m", "saliency", "-m", "integrated_gradients", "-m", "grad_cam")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def explain(run, *words):
    """What --json printed about each image."""
    done = run("explain", "tiny", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_figure_and_the_values_of_each_method_are_written(run, place):
    picture()
    done = run("explain", "tiny", "photo.png", *METHODS)
    assert done.exit_code == 0, done.stderr
    assert files(place / "out/explain") == [
        "photo.explained.png",
        "photo.grad_cam.npz",
        "photo.integrated_gradients.npz",
        "photo.saliency.npz",
    ]
    with Image.open("out/explain/photo.explained.png") as figure:
        assert figure.width > 1000
        assert figure.height > 1000
    for name in files(place / "out/explain"):
        assert f"\nout/explain/{name}\n" in done.stdout


@pytest.mark.slow
def test_the_values_are_those_of_the_method_called_in_python(run, models):
    pixels = picture()
    options = ("--target", "Frog", "--layer", "Conv2D_Block3_Layer1", "-o", "steps=7")
    run("explain", "tiny", "photo.png", *METHODS, *options, "--out", "x", "--format", "npz")
    subject = tfxai.load(models / "tiny.keras")
    for method in (
        tfxai.Saliency(),
        tfxai.IntegratedGradients(steps=7),
        tfxai.GradCAM(layer="Conv2D_Block3_Layer1"),
    ):
        stored = Attribution.load(f"x/photo.{method.name}.npz")
        expected = method(subject, pixels[None], target=6)
        assert stored.method == method.to_config()
        np.testing.assert_array_equal(stored.target, [6])
        np.testing.assert_allclose(stored.values, expected.values, rtol=1e-4, atol=1e-7)


def test_values_of_a_batch_go_to_their_own_images(run, models):
    pixels = [picture(f"photos/{i}.png", seed=i) for i in range(3)]
    explain(run, "photos", "-m", "saliency", "--target", "2", "--out", "x", "--format", "npz")
    subject = tfxai.load(models / "tiny.keras")
    for i in range(3):
        stored = Attribution.load(f"x/{i}.saliency.npz").values
        expected = tfxai.Saliency()(subject, pixels[i][None], target=2).values
        np.testing.assert_allclose(stored, expected, rtol=1e-4, atol=1e-7)


def test_json_says_what_was_found_and_where_the_files_are(run):
    picture()
    words = ("--target", "frog", "-o", "steps=9", "--format", "npz")
    (image,) = explain(run, "photo.png", *METHODS, *words)
    by_name = {one["name"]: one for one in image["explanations"]}
    ig = by_name["integrated_gradients"]
    assert ig["options"]["steps"] == 9
    assert (ig["class"], ig["target"], ig["score_name"]) == ("Frog", 6, "logit")
    total = Attribution.load("out/explain/photo.integrated_gradients.npz").values.sum()
    gap = total - (ig["score"] - ig["baseline_score"])
    assert ig["completeness_gap"] == pytest.approx(gap, abs=1e-5)
    assert by_name["saliency"]["completeness_gap"] is None
    assert len(image["predictions"]) == 5
    assert image["files"][1] == "out/explain/photo.integrated_gradients.npz"


def test_without_a_target_the_predicted_class_is_explained(run):
    picture()
    (image,) = explain(run, "photo.png", "-m", "saliency")
    assert image["explanations"][0]["class"] == image["predictions"][0]["class"]


def test_the_table_has_the_gap_of_methods_that_have_one(run):
    picture()
    npz = ("--format", "npz")
    out = run("explain", "tiny", "photo.png", *METHODS, "--target", "Cat", *npz).stdout
    (line,) = [line for line in out.splitlines() if line.startswith("integrated_gradients")]
    assert "Cat (" in line
    assert line.rstrip().endswith("%)")
    assert (
        "Completeness gap"
        not in run("explain", "tiny", "photo.png", "-m", "saliency", *npz).stdout
    )


def test_a_large_gap_is_remarked_on(run, models):
    picture()
    options = ("-m", "integrated_gradients", "-o", "rule=riemann_left", "--target", "Cat")
    few = run("explain", "tiny", "photo.png", *options, "-o", "steps=1")
    assert few.stderr.startswith("photo.png: The values of integrated_gradients miss the score's")
    assert "Pass --option tolerance=0.01, which takes as many steps as" in few.stderr
    assert run("explain", "tiny", "photo.png", *options, "-o", "steps=400").stderr == ""


def test_formats_choose_the_files(run, place):
    picture()
    explain(run, "photo.png", "-m", "saliency", "--format", "json", "--out", "x")
    assert files(place / "x") == ["photo.explained.json"]
    text = json.loads((place / "x/photo.explained.json").read_text())
    explain(run, "photo.png", "-m", "saliency", "--format", "npz", "--out", "x")
    stored = Attribution.load("x/photo.saliency.npz")
    np.testing.assert_allclose(text["explanations"][0]["values"], stored.values)
    assert text["image"] == "photo.png"


def test_a_score_and_a_layer_can_be_explained(run, models):
    pixels = picture()
    words = ("-m", "saliency", "--score", "probability", "--at", "MaxPool", "--target", "1")
    (image,) = explain(run, "photo.png", *words)
    found = image["explanations"][0]
    assert (found["score_name"], found["at"]) == ("probability", "MaxPool")
    subject = tfxai.load(models / "tiny.keras")
    expected = tfxai.Saliency()(subject, pixels[None], 1, score="probability", at="MaxPool")
    stored = Attribution.load("out/explain/photo.saliency.npz")
    np.testing.assert_allclose(stored.values, expected.values, rtol=1e-4, atol=1e-9)
    assert stored.values.shape == (1, 4, 4, 4)


def test_images_of_the_same_name_get_files_of_their_own(run, place):
    for name in ("a/cat.png", "b/cat.png", "b/Cat.bmp", "cat-2.png"):
        picture(name)
    records = explain(run, "a", "b", "cat-2.png", "-m", "saliency", "--out", "x")
    written = [name for record in records for name in record["files"]]
    assert len(set(map(str.lower, written))) == 8
    assert files(place / "x") == sorted(name.removeprefix("x/") for name in written)


def test_an_image_that_is_explained_is_never_replaced(run, place):
    pixels = picture("cat.explained.png")
    picture("cat.png")
    run("explain", "tiny", "cat.png", "cat.explained.png", "-m", "saliency", "--out", ".")
    np.testing.assert_array_equal(np.asarray(Image.open("cat.explained.png")), pixels)
    assert (place / "cat-2.explained.png").is_file()


def test_an_image_given_twice_is_explained_once(run):
    picture("photos/a.png")
    assert len(explain(run, "photos", "photos/a.png", "-m", "saliency")) == 1


def test_a_second_run_replaces_the_files_of_the_first(run, place):
    picture()
    for target in ("1", "2"):
        explain(run, "photo.png", "-m", "saliency", "--target", target, "--format", "npz")
    assert files(place / "out/explain") == ["photo.saliency.npz"]
    assert Attribution.load("out/explain/photo.saliency.npz").target == [2]


@pytest.mark.slow
@pytest.mark.data
def test_image_5113_of_the_test_split_is_explained(run, test_data, models):
    layer = "Conv2D_Block3_Layer1"
    words = ("--layer", layer, "--target", "Frog")
    (image,) = explain(run, "cifar10:test:5113", *METHODS, *words)
    assert image["label"] == "Frog"
    assert image["files"][0] == "out/explain/cifar10-test-5113.explained.png"
    pixels = load_cifar10("test")[0][5113]
    subject = tfxai.load(models / "tiny.keras")
    for method in (tfxai.Saliency(), tfxai.IntegratedGradients(), tfxai.GradCAM(layer=layer)):
        stored = Attribution.load(f"out/explain/cifar10-test-5113.{method.name}.npz")
        expected = method(subject, pixels[None], target="Frog")
        np.testing.assert_allclose(stored.values, expected.values, rtol=1e-4, atol=1e-7)


def test_resize_takes_bilinear_pixels_to_a_model_of_any_size(run, models):
    pixels = picture("photo.png", (20, 30))
    words = ("--preprocessing", "none", "--resize", "48", "--target", "1", "--format", "npz")
    done = run("explain", "any_size", "photo.png", "-m", "saliency", *words, "--out", "x")
    how = "cropped to a square and resized to 48x48 (bilinear)"
    assert done.stderr == f"photo.png: 30x20 pixels, {how}.\n"
    stored = Attribution.load("x/photo.saliency.npz")
    expected = fit_image(pixels, 48, 48, "bilinear")[None]
    np.testing.assert_array_equal(stored.inputs, expected)
    model = tfxai.load(models / "any_size.keras").model
    values = tfxai.Saliency()(model, expected.astype(np.float32), 1).values
    np.testing.assert_allclose(stored.values, values, rtol=1e-4, atol=1e-9)


def test_resize_comes_before_the_preprocessing_of_the_card(run, models):
    pixels = picture("photo.png", (20, 20))
    explain(run, "photo.png", "-m", "saliency", "--resize", "32", "--format", "npz", "--out", "x")
    inputs = fit_image(pixels, 32, 32, "bilinear")[None] / np.float32(255)
    np.testing.assert_allclose(Attribution.load("x/photo.saliency.npz").inputs, inputs, rtol=1e-6)


def test_a_file_of_classes_takes_the_place_of_the_cards(run, place):
    picture()
    (place / "names.txt").write_text("\n".join(f"kind {i}" for i in range(10)))
    words = ("--classes", "names.txt", "--target", "kind 7")
    (image,) = explain(run, "photo.png", "-m", "saliency", *words)
    found = image["explanations"][0]
    assert (found["class"], found["target"]) == ("kind 7", 7)
    assert image["predictions"][0]["class"] == f"kind {image['predictions'][0]['index']}"


@pytest.mark.slow
@pytest.mark.data
def test_an_image_of_cifar10_is_enlarged_for_a_model_of_imagenet(run, test_data):
    model = test_data / "models/efficientnet_lite0.keras"
    words = ("--resize", "224", "--preprocessing", "none", "--format", "npz", "--out", "x")
    names = ("--classes", test_data / "data/imagenet_class_index.json")
    done = run("explain", model, "cifar10:test:1", "-m", "grad_cam", *words, *names, "--json")
    assert done.exit_code == 0, done.stderr
    (image,) = json.loads(done.stdout)
    stored = Attribution.load("x/cifar10-test-1.grad_cam.npz")
    pixels = fit_image(load_cifar10("test")[0][1], 224, 224, "bilinear")[None]
    np.testing.assert_array_equal(stored.inputs, pixels)
    answer = np.asarray(tfxai.load(model).model(pixels.astype(np.float32)))[0]
    best = image["predictions"][0]
    assert best["index"] == answer.argmax()
    assert best["probability"] == pytest.approx(answer.max(), rel=1e-4)
    assert best["class"] == read_classes(names[1])[best["index"]]


def test_an_array_comes_from_a_file(run, place, models):
    pixels = picture()
    background = np.random.default_rng(0).uniform(0, 1, (3, *pixels.shape)).astype(np.float32)
    np.save(place / "background.npy", background)
    words = ("-m", "gradient_shap", "-o", "background=background.npy", "--target", "Cat")
    explain(run, "photo.png", *words, "--format", "npz", "--out", "x")
    stored = Attribution.load("x/photo.gradient_shap.npz")
    a = tfxai.GradientSHAP(background=background)(
        tfxai.load(models / "tiny.keras"), pixels[None], "Cat"
    )
    np.testing.assert_allclose(stored.values, a.values, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_superpixels_are_what_an_image_is_explained_by_unless_told_otherwise(run, models):
    pixels = picture()
    words = ("-m", "lime", "-m", "kernel_shap", "-o", "samples=120", "--target", "Frog")
    (image,) = explain(run, "photo.png", *words, "--out", "x")
    assert [one["options"]["mask"]["name"] for one in image["explanations"]] == ["slic", "slic"]
    subject = tfxai.load(models / "tiny.keras")
    for method in (tfxai.LIME(samples=120), tfxai.KernelSHAP(samples=120)):
        stored = Attribution.load(f"x/photo.{method.name}.npz")
        expected = method(subject, pixels[None], target="Frog")
        np.testing.assert_allclose(stored.values, expected.values, rtol=1e-4, atol=1e-7)
        assert len(np.unique(stored.details["mask"])) == 50
    np.save("mask.npy", np.arange(32 * 32).reshape(32, 32) // 256)
    for mask in ("slic", "mask.npy"):
        explain(
            run, "photo.png", "-m", "shapley_sampling", "-o", f"mask={mask}", "--out", mask[:4]
        )
        stored = Attribution.load(f"{mask[:4]}/photo.shapley_sampling.npz")
        assert stored.details["features"].shape == (1, 50 if mask == "slic" else 4)


def test_a_contrast_sets_one_class_against_another(run, models):
    pixels = picture()
    (record,) = explain(run, "photo.png", "-m", "saliency", "--contrast", "Cat", "9")
    (one,) = record["explanations"]
    assert one["score_name"] == "Cat rather than Truck"
    subject = tfxai.load(models / "tiny.keras")
    image = fit_image(pixels, 32, 32)[None]
    expected = tfxai.Saliency()(subject, image, score=tfxai.Contrast(3, 9)).score
    assert one["score"] == pytest.approx(float(expected[0]), rel=1e-5)


@pytest.mark.parametrize("other", ["--score", "--target"])
def test_a_contrast_says_by_itself_what_is_explained(fails, other):
    picture()
    words = ("explain", "tiny", "photo.png", "-m", "saliency", "--contrast", "Cat", "Dog")
    value = "logit" if other == "--score" else "Cat"
    assert f"Leave {other} out" in fails(*words, other, value)


def test_a_regressor_is_explained_by_its_output(run):
    picture()
    words = ("regression", "photo.png", "--preprocessing", "unit")
    predicted = json.loads(run("predict", *words, "--json").stdout)
    (best,) = predicted["images"][0]["predictions"]
    done = run("explain", *words, "-m", "saliency", "-m", "occlusion", "--json")
    (record,) = json.loads(done.stdout)
    for one in record["explanations"]:
        assert (one["score_name"], one["target"]) == ("output", 0)
        assert one["score"] == pytest.approx(best["output"], rel=1e-5)


def test_one_name_of_a_binary_classifier_is_that_of_class_1(run, place):
    picture()
    (place / "names.txt").write_text("malignant\n")
    words = ("binary", "photo.png", "--preprocessing", "unit", "--classes", "names.txt")
    done = run("predict", *words, "--json")
    ranks = json.loads(done.stdout)["images"][0]["predictions"]
    assert {rank["class"] for rank in ranks} == {"malignant", "not malignant"}
    (record,) = json.loads(
        run("explain", *words, "-m", "saliency", "--target", "malignant", "--json").stdout
    )
    (one,) = record["explanations"]
    (said,) = [rank for rank in ranks if rank["class"] == "malignant"]
    assert one["probability"] == pytest.approx(said["probability"], rel=1e-5)


def test_a_summary_has_a_line_for_each_image_and_method(run, place):
    for number, name in enumerate(("cat/1", "dog/1")):
        picture(f"photos/{name}.png", seed=number)
    options = ("-m", "saliency", "-m", "gradient_input", "--format", "csv", "--out", "x")
    records = explain(run, "photos", *options)
    assert files(place / "x") == ["summary.csv"]
    with (place / "x/summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(record, one) for record in records for one in record["explanations"]]
    assert len(rows) == len(found) == 4
    for row, (record, one) in zip(rows, found, strict=True):
        assert row["image"] == record["image"]
        assert row["label"] == record["label"]
        assert row["predicted"] == record["predictions"][0]["class"]
        assert row["method"] == one["name"]
        assert row["class"] == one["class"]
        assert float(row["score"]) == one["score"]
    assert run("explain", "tiny", "photos", *options).stdout.endswith("\nx/summary.csv\n")


def test_pixels_that_are_not_certain_are_greyed_out_on_request(run, fails, monkeypatch):
    picture()
    seen, draw = [], plotting.plot_attribution

    def spy(ones, **words):
        seen.append(words["certain"])
        return draw(ones, **words)

    monkeypatch.setattr(plotting, "plot_attribution", spy)
    words = ("explain", "tiny", "photo.png", "--option", "samples=4")
    for more in ((), ("--certain",)):
        assert run(*words, "--method", "smooth_grad", *more).exit_code == 0
    assert seen == [False, True]
    said = fails("explain", "tiny", "photo.png", "--method", "saliency", "--certain")
    assert "saliency has no standard error" in said
