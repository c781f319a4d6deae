"""A version is loaded after a scan of the bytes that are loaded, and trusted by the operator."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.inspection import saved_model_attacks as attacks
from tests.inspection.honest_saved_models import SAVED, called
from tfxai.errors import ModelFileError, UnsafeModelError
from tfxai.serving.models import loaded
from tfxai.serving.models.loaded import Loaded
from tfxai.serving.models.versions import VersionFolder


def answer(version: Loaded) -> np.ndarray:
    return version.run("serving_default", {"x": np.ones(2, np.float32)}, None)["y"]


def test_what_reaches_outside_is_not_served_and_on_trust_it_is(tmp_path, caplog):
    path = attacks.saved("read", tmp_path / "marker", tmp_path / "1")
    with pytest.raises(UnsafeModelError, match=r"It was not loaded\. .*ReadFile"):
        Loaded(path)
    with caplog.at_level(logging.WARNING, "tfxai.serving"):
        version = Loaded(path, trust=True)
    assert "because of --trust, in spite of: operation that reads files" in caplog.text
    size = len(Path("/etc/hostname").read_bytes())
    np.testing.assert_array_equal(answer(version), [1 + size, 1 + size])
    version.close()


def test_trust_is_passed_on_to_every_version(tmp_path):
    attacks.saved("read", tmp_path / "marker", tmp_path / "m" / "1")
    for trust in (False, True):
        folder = VersionFolder(tmp_path, trust=trust)
        folder._look()
        folder._looked.set()
        folder._look()
        assert folder.names() == (["m"] if trust else [])
        folder.close()


def test_a_version_that_is_swapped_after_its_scan_is_served_as_it_was_scanned(
    tmp_path, monkeypatch
):
    for value in (1.0, 5.0):
        weight = tf.Variable([value])
        called(lambda x, w=weight: x * w, tmp_path / str(int(value)), weight=weight)
    load = Loaded._load

    def swapped(self, path):
        (tmp_path / "1").rename(tmp_path / "gone")
        (tmp_path / "5").rename(tmp_path / "1")
        load(self, path)

    monkeypatch.setattr(loaded.Loaded, "_load", swapped)
    version = Loaded(tmp_path / "1")
    np.testing.assert_array_equal(answer(version), [1.0, 1.0])
    version.close()


@pytest.mark.parametrize("name", ["table_of_a_file", "of_tensorflow_1_with_savers"])
def test_tables_of_files_are_filled_from_the_copy(tmp_path, name):
    SAVED[name](tmp_path / "1")
    version = Loaded(tmp_path / "1")
    if name == "table_of_a_file":
        assert answer(version).shape == (2,)
    else:
        found = version.run("serving_default", {"x": np.array([b"b", b"a"])}, None)["y"]
        np.testing.assert_array_equal(found, np.ones((2, 2)))
    version.close()


def test_an_error_of_tensorflow_arrives_as_ours(tmp_path):
    weight = tf.Variable([1.0])
    called(lambda x: x * weight, tmp_path / "1", weight=weight)
    for file in (tmp_path / "1" / "variables").iterdir():
        file.write_bytes(b"nothing")
    with pytest.raises(ModelFileError) as caught:
        Loaded(tmp_path / "1")
    assert "\n" not in str(caught.value)


def test_what_requests_ask_for_has_run_before_a_version_is_ready(base):
    version = Loaded(base / "text" / "2")
    ready = set(version._callables)
    text = {"text": np.array([[b"a good film"]], object)}
    for name in ("serving_default", "serve"):
        version.run(name, text, None)
    asked = [None, *([one] for one in version.signatures["explain_grad_cam"].outputs)]
    for outputs in [*asked, ["tokens", "token_values", "score", "target"]]:
        feeds = {**text, "target": np.int32([-1])}
        given = version.run("explain_grad_cam", feeds, outputs)
        assert set(given) >= set(outputs or version.signatures["explain_grad_cam"].outputs)
    image = {"Input_Layer": np.zeros((1, 32, 32, 3), np.float32), "target": np.int32([-1])}
    pictures = Loaded(base / "cifar10_cnn" / "1")
    before = set(pictures._callables)
    for outputs in (["heatmap_png_bytes"], ["attributions", "heatmap_png_bytes"], ["heatmap"]):
        given = pictures.run("explain_grad_cam", image, outputs)
        assert set(given) >= set(outputs)
    assert "heatmap_png_bytes" not in given  # which takes longest to draw
    assert set(version._callables) == ready
    assert set(pictures._callables) == before
    version.close()
    pictures.close()
