"""What `tfxai check-serving` finds in exports that are whole, damaged, or not to be served."""

import json
import os
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests import builders
from tests.export.serving import ig, picture
from tests.inspection import saved_model_attacks
from tests.inspection.honest_saved_models import with_table_of_a_file
from tests.processes import ROOT
from tfxai import GradCAM, Saliency
from tfxai.errors import DataNotFoundError
from tfxai.export import check, graphs, native, save
from tfxai.export.comparing import difference, measured
from tfxai.export.first_layers import expected_pixels
from tfxai.export.probes import moved, read_cases, write_cases

EXTRA = "assets.extra"
needs_gcc = pytest.mark.skipif(native.missing() is not None, reason=str(native.missing()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return save(builders.functional(), tmp_path_factory.mktemp("base") / "m" / "1", [Saliency()])


@pytest.fixture
def copy(whole, tmp_path, monkeypatch):
    """A copy to damage, checked without the C interface, which would say it again."""
    monkeypatch.setattr(native, "missing", lambda: "there is no gcc")
    return Path(shutil.copytree(whole, tmp_path / "m" / "1"))


def failed(report):
    return {one.name: one.detail for one in report.checks if one.status == "failed"}


def status(report):
    return {one.name: one.status for one in report.checks}


@pytest.mark.slow
def test_a_whole_export_passes_and_what_was_not_checked_is_said(copy):
    report = check(copy.parent)
    assert failed(report) == {}
    assert report.passed
    assert report.path == copy
    assert status(report)["C interface"] == "not checked"
    assert {name: set(ways) for name, ways in report.signatures.items()} == {
        "serve": {"session"},
        "explain_saliency": {"session"},
        "describe": {"session"},
    }
    assert max(max(ways.values()) for ways in report.signatures.values()) <= 1e-5
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["passed"]


@pytest.mark.slow
def test_an_answer_that_is_not_the_recorded_one_fails(copy):
    path = copy / EXTRA / "tfxai_check.npz"
    cases = read_cases(path)
    values = cases["explain_saliency"][1]["attributions"]
    values[0, 0, 0, 0] += 1e-3 * np.abs(values).max()
    write_cases(path, cases)
    report = check(copy)
    assert list(failed(report)) == ["session explain_saliency"]
    assert "attributions differs from the recorded one by 1.0e-03" in failed(report).popitem()[1]


@pytest.mark.slow
def test_damaged_weights_fail_in_the_session(copy):
    data = next((copy / "variables").glob("*.data*"))
    data.write_bytes(data.read_bytes()[:100])
    report = check(copy)
    assert set(failed(report)) == {"session"}
    assert "DataLoss" in failed(report)["session"] or "OutOfRange" in failed(report)["session"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), "is damaged"),
        (lambda p: p.write_bytes(b""), "holds no signature"),
        (lambda p: p.unlink(), "It has no saved_model.pb"),
    ],
    ids=["cut", "empty", "gone"],
)
def test_a_damaged_graph_fails_before_anything_is_loaded(damage, sentence, copy):
    damage(copy / "saved_model.pb")
    report = check(copy)
    assert status(report) == {"graph": "failed"}
    assert sentence in failed(report)["graph"]


@pytest.mark.slow
def test_damaged_records_and_warm_ups_fail(copy):
    extra = copy / EXTRA
    (extra / "tfxai_explain.json").write_text("{")
    warmup = extra / "tf_serving_warmup_requests"
    warmup.write_bytes(warmup.read_bytes()[:-5])
    report = check(copy)
    assert set(failed(report)) == {"record", "warm-up"}
    (extra / "tfxai_check.npz").write_bytes(b"PK")
    assert set(failed(check(copy))) == {"record", "answers"}
    renamed = copy.rename(copy.with_name("one"))
    assert "passes over 'one'" in failed(check(renamed))["version"]


@pytest.mark.slow
def test_a_keras_model_in_a_plain_module_fails_as_it_does_in_a_server(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "missing", lambda: "there is no gcc")
    model = builders.functional()
    module = tf.Module()
    module.model = model
    spec = tf.TensorSpec((None, *builders.IMAGE), name="image")
    module.run = tf.function(lambda image: {"out": model(image)}, input_signature=[spec])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf.saved_model.save(module, str(tmp_path / "m" / "1"), signatures=module.run)
    report = check(tmp_path / "m")
    assert list(failed(report)) == ["session serving_default"]
    assert "Could not find variable" in failed(report)["session serving_default"]
    assert status(report)["answers"] == status(report)["record"] == "not checked"


def hostile(function, path):
    module = tf.Module()
    spec = tf.TensorSpec((None,), tf.float32, name="x")
    made = tf.function(function, input_signature=[spec])
    tf.saved_model.save(module, str(path), signatures=made.get_concrete_function())
    return path


def reading(x):
    return {"y": x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)}


def writing(x):
    with tf.control_dependencies([tf.io.write_file("/tmp/never-written", "x")]):
        return {"y": tf.identity(x)}


def python(x):
    return {"y": tf.numpy_function(lambda y: y, [x], tf.float32)}


def xla(x):
    return {"y": tf.function(lambda y: 2 * y, jit_compile=True)(x)}


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (reading, "(ReadFile), which reads files"),
        (writing, "(WriteFile), which writes files"),
        (python, "(PyFunc), which runs Python"),
        (xla, "forces XLA, off in a stock server"),
    ],
)
def test_what_no_server_should_run_is_refused_and_not_run(function, sentence, tmp_path):
    report = check(hostile(function, tmp_path / "1"))
    assert status(report) == {"operations": "failed"}
    details = [one.detail for one in report.checks]
    assert any(sentence in detail for detail in details), details
    assert not Path("/tmp/never-written").exists()


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(DataNotFoundError, match="There is no SavedModel in"):
        check(tmp_path)


def test_differences_are_of_the_largest_value_and_pictures_of_what_they_show():
    known = {
        "attributions": np.array([[10.0, 0.0]]),
        "score": np.array([4.0]),
        "completeness_gap": np.array([1e-6]),
        "target": np.array([1]),
        "nothing": np.zeros(2),
    }
    assert difference("attributions", np.array([[10.0, 1e-4]]), known) == pytest.approx(1e-5)
    assert difference("completeness_gap", np.array([5e-6]), known) == pytest.approx(1e-6)
    assert difference("nothing", np.zeros(2), known) == 0
    assert difference("target", np.array([2]), known) == np.inf
    assert difference("score", np.array([np.nan]), known) == np.inf
    assert difference("score", np.array([4.0, 4.0]), known) == np.inf
    assert difference("score", None, known) == np.inf
    pixels = np.full((2, 3, 3), 100, np.uint8)
    drawn = [tf.io.encode_png(pixels + step).numpy() for step in (0, 3, 30)]
    known = {"heatmap_png_bytes": np.array([drawn[0]], object)}
    off = [difference("heatmap_png_bytes", np.array([one], object), known) for one in drawn]
    assert off == [0, 0, np.inf]
    assert difference("heatmap_png_bytes", np.array([b"none"], object), known) == np.inf
    far = [measured("heatmap_png_bytes", np.array([one], object), known) for one in drawn]
    assert far == [0, 0, 30 / 255]
    assert measured("heatmap_png_bytes", np.array([b"none"], object), known) == np.inf
    assert measured("heatmap_png_bytes", None, known) == np.inf


@needs_gcc
@pytest.mark.slow
def test_text_passes_through_the_c_interface(tmp_path):
    words = keras.layers.TextVectorization(vocabulary=["an", "example"], output_sequence_length=3)
    text = keras.Input((1,), dtype="string", name="text")
    hidden = keras.layers.Embedding(4, 2, name="embedding")(words(text))
    model = keras.Model(text, keras.layers.Dense(2)(keras.layers.Flatten()(hidden)))
    path = save(model, tmp_path / "m", [ig()], at="embedding")
    feeds, answers = read_cases(path / EXTRA / "tfxai_check.npz")["explain_integrated_gradients"]
    signatures = graphs.read_graphs(path).meta_graphs[0].signature_def
    cases = {"explain_integrated_gradients": feeds}
    cases["explain_integrated_gradients@bad"] = {**feeds, "target": np.array([7, 0], np.int32)}
    program = native.compile_program(tmp_path)
    given = native.run_program(program, path, signatures, cases, dict(os.environ))
    assert "target was expected to be 0 to 1" in given["explain_integrated_gradients@bad"]
    found = given["explain_integrated_gradients"]
    assert set(found) == set(answers)
    assert max(difference(name, found[name], answers) for name in answers) <= 1e-5
    assert np.abs(found["attributions"]).max() > 0


@needs_gcc
@pytest.mark.slow
def test_the_cifar10_network_is_served_through_a_session_and_the_c_interface(tmp_path):
    subject = tfxai.load(ROOT / "models" / "cifar10_cnn.keras")
    photograph = tfxai.data.fit_image(tfxai.data.sample_image("chelsea"), 32, 32)[None]
    methods = {"ig": tfxai.IntegratedGradients(), "grad_cam": GradCAM()}
    path = save(subject, tmp_path / "cifar10", methods, example=photograph)
    report = check(path)
    assert failed(report) == {}
    assert all(set(ways) == {"session", "C interface"} for ways in report.signatures.values())
    feeds, answers = read_cases(path / EXTRA / "tfxai_check.npz")["explain_ig"]
    np.testing.assert_allclose(feeds["Input_Layer"][0], photograph[0] / 255, rtol=1e-6)
    a = tfxai.IntegratedGradients()(subject, photograph)
    assert a.target_names == ["Cat"]
    assert answers["target"][0] == a.target[0]
    np.testing.assert_allclose(answers["attributions"][:1], a.values, rtol=0, atol=1e-6)
    assert picture(answers["heatmap_png_bytes"][0]).shape == (32, 32, 3)


@pytest.mark.slow
def test_graphs_do_not_grow_with_the_steps(tmp_path):
    subject = tfxai.load(ROOT / "models" / "cifar10_cnn.keras")
    sizes = {}
    for steps in (50, 500):
        path = save(subject, tmp_path / str(steps) / "m", [tfxai.IntegratedGradients(steps=steps)])
        sizes[steps] = (path / graphs.GRAPH).stat().st_size
        weights = sum(v.value.numpy().nbytes for v in subject.model.variables)
        stored = sum(one.stat().st_size for one in (path / "variables").iterdir())
        assert stored < weights + 10_000  # each weight once
    assert sizes[500] < 1_000_000
    # the nodes and weights of the rule, a float32 each; names with longer numbers in them
    assert abs(sizes[500] - sizes[50] - 450 * 2 * 4) < 1000


def test_what_the_scan_refuses_is_not_run(tmp_path):
    folder = tmp_path / "m" / "1"
    folder.parent.mkdir()
    with_table_of_a_file(folder)
    proto = saved_model_attacks.proto_of(folder)
    saved_model_attacks.saver_of_another_file(proto, "")
    (folder / "saved_model.pb").write_bytes(saved_model_attacks.bytes_of(proto))
    found = failed(check(folder))
    assert set(found) == {"scan"}
    assert "reads another file than the model's own variables" in found["scan"]


def test_what_first_layers_say_of_pixels():
    def model(*layers):
        x = keras.Input((8, 8, 3))
        y = x
        for layer in layers:
            y = layer(y)
        return keras.Model(x, keras.layers.Conv2D(2, 3)(y))

    scaled = keras.layers.Rescaling(1 / 128, -127 / 128)
    of_pixels = keras.layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)
    of_shares = keras.layers.Normalization(mean=[0.5] * 3, variance=[0.06] * 3)
    inner = model(keras.layers.Rescaling(1 / 255))
    said = {
        "none": [
            model(scaled),
            model(keras.layers.ZeroPadding2D(), of_pixels),
            keras.Sequential([keras.Input((8, 8, 3)), inner]),
        ],
        "unit": [
            model(),
            model(of_shares),
            model(keras.layers.Rescaling(2, -1)),
            model(keras.layers.Conv2D(3, 3), scaled),
        ],
    }
    for name, models in said.items():
        assert [expected_pixels(one).name for one in models] == [name] * len(models)


def test_images_are_probed_by_photographs_in_the_range_of_the_first_layers(tmp_path):
    x = keras.Input((12, 10, 3), name="x")
    y = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(x))
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(y))
    path = save(model, tmp_path / "m" / "1", [Saliency()])
    (feeds, _) = read_cases(path / EXTRA / "tfxai_check.npz")["explain_saliency"]
    assert feeds["x"].shape == (3, 12, 10, 3)
    assert feeds["x"].max() > 200
    assert np.array_equal(feeds["x"], np.round(feeds["x"]))
    corner = np.asarray(tfxai.data.sample_image("coffee"))
    assert abs(feeds["x"][1].mean() - corner.mean()) < 25


def test_neighbours_are_one_step_away():
    feeds = {"x": np.float32([0.1, 0, -7e9]), "n": np.array([1, 2]), "t": np.array([b"a"])}
    near = moved(feeds)
    assert near["n"] is feeds["n"]
    assert near["t"] is feeds["t"]
    steps = np.abs(near["x"] - feeds["x"]) / np.spacing(np.abs(feeds["x"]))
    np.testing.assert_array_equal(steps, [1, 1, 1])


@pytest.mark.slow
def test_an_honest_efficientnet_passes_and_a_changed_one_does_not(test_data, tmp_path):
    model = tfxai.load(test_data / "models" / "efficientnet_lite0.keras")
    methods = [Saliency(), ig(steps=4), GradCAM()]
    path = save(model, tmp_path / "m" / "1", methods)
    report = check(path)
    assert failed(report) == {}
    file = path / EXTRA / "tfxai_check.npz"
    cases = read_cases(file)
    cases["serve"][1][
        "output_0" if "output_0" in cases["serve"][1] else next(iter(cases["serve"][1]))
    ][:] *= 1.001
    write_cases(file, cases)
    assert "session serve" in failed(check(path))
