"""The blocks of docs/training.md run in their order; other trackers get what they take."""

from __future__ import annotations

import types

import numpy as np

from tests.docs.blocks import python_blocks


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, logged = {}, []
    for block in python_blocks("docs/training.md"):
        exec(block, names)
    folder = tmp_path / "out/watched/integrated_gradients"
    assert sorted(path.name for path in folder.glob("*.png")) == sorted(
        f"{i}-{epoch:04d}.png" for i in range(4) for epoch in (2, 4)
    )
    names["wandb"] = types.SimpleNamespace(
        log=lambda what, step: logged.append((what, step)), Image=lambda array: ("image", array)
    )
    names["mlflow"] = types.SimpleNamespace(
        log_image=lambda image, key, step: logged.append((key, image.shape, step)),
        log_metric=lambda key, value, step: logged.append((key, value, step)),
    )
    picture = np.zeros((2, 2, 3), np.uint8)
    for sink in (names["to_wandb"], names["to_mlflow"]):
        sink(3, "saliency/score", 0.5)
        sink(3, "saliency/0", picture)
    assert logged[0] == ({"saliency/score": 0.5}, 3)
    assert logged[1][0]["saliency/0"][0] == "image"
    assert logged[2:] == [("saliency/score", 0.5, 3), ("saliency-0", (2, 2, 3), 3)]
