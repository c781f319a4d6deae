"""The blocks of docs/scaling.md run in their order; its conditions and options are there."""

from __future__ import annotations

import re

import keras
import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.docs.blocks import ROOT, python_blocks, run
from tfxai.batch import Explainer, Where, job_of, open_source, run_job
from tfxai.data.images import fit_image
from tfxai.data.preprocessing import Preprocessing
from tfxai.data.samples import sample_image


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_every_block_runs_and_gives_what_its_comments_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("chelsea", "coffee"):
        Image.fromarray(sample_image(name)).save(tmp_path / "photos" / f"{name}.jpg")
    first, reading, of_any_size, second, exported = python_blocks("docs/scaling.md")
    names = run(first, {})
    counts = names["manifest"]["counts"]
    assert (counts["examples"], counts["failed"], counts["cropped_or_resized"]) == (2, 0, 2)
    assert (tmp_path / "summary.png").is_file()
    names = run(reading, names)
    assert names["maps"].shape == (2, 4, 4)
    names = run(second, names)
    assert names["answers"]["grad_cam/values"].shape == (2, 4, 4)
    run(exported, names)
    batch = {"inputs": np.stack([fit_image(sample_image("chelsea"), 32, 32)])}
    direct = names["explainer"](batch)["grad_cam/values"]
    given = names["exported"](batch)["grad_cam/values"]
    np.testing.assert_allclose(given, direct, rtol=0, atol=1e-5 * direct.max())
    names["table"] = of_two_sizes(tmp_path)
    run(of_any_size, names)
    for path, found in zip(names["table"]["key"].to_pylist(), names["maps"], strict=True):
        pixels = np.asarray(Image.open(path))[None] / np.float32(255)
        direct = tfxai.Saliency()(tfxai.load("any.keras").model, pixels).values[0]
        np.testing.assert_allclose(found, direct, rtol=0, atol=1e-6 * direct.max())


def of_two_sizes(folder):
    """The results of a model that takes images of any size, in the working folder."""
    x = keras.Input((None, None, 3))
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(x))
    keras.Model(x, keras.layers.Dense(3)(y)).save("any.keras")
    (folder / "sizes").mkdir()
    for name, box in (("a", (0, 0, 20, 14)), ("b", (0, 0, 11, 24))):
        Image.fromarray(sample_image("coffee")).crop(box).save(folder / "sizes" / f"{name}.png")
    explainer = Explainer("any.keras", (tfxai.Saliency(),), preprocessing=Preprocessing("unit"))
    run_job(job_of(open_source([str(folder / "sizes")]), explainer, folder / "of_sizes"))
    return pyarrow.parquet.read_table(folder / "of_sizes" / "data")


def test_the_conditions_of_the_page_are_conditions():
    text = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    found = re.findall(r'--where "(.*?)"', text)
    assert found
    for one in found:
        Where(one)
