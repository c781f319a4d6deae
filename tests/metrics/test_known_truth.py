"""Methods on six networks whose right attribution is known, as docs/trust.md says."""

from __future__ import annotations

import fractions

import keras
import numpy as np
import pytest

import tfxai
from tests.docs.blocks import ROOT

METHODS = {
    "saliency": tfxai.Saliency(),
    "gradient_input": tfxai.GradientInput(),
    "guided_backprop": tfxai.GuidedBackprop(),
    "integrated_gradients": tfxai.IntegratedGradients(),
    "deep_lift": tfxai.DeepLIFT(),
    "occlusion": tfxai.Occlusion(window=1),
    "kernel_shap": tfxai.KernelSHAP(),
}
STEEP = 1000.0
# of each network the hidden units (weights, bias) and what each counts
NETWORKS = {
    "interaction": ([[1, 1, 0]], [-1], [1], 0),
    "cancellation": ([[1, 0, 0], [0, 1, 0], [0, 1, 0]], [0, 0, 0], [1, 1, -1], 0),
    "saturation": ([[-1, -1, 0]], [1], [-1], 1),
    "shortcut": (np.eye(3), [0, 0, 0], [0.1, 0.1, 2], 0),
    "dead input": ([[1, 0, 0], [0, 1, 0]], [0, 0], [1, 2], 0),
    "discontinuity": (
        [[STEEP, 0, 0], [STEEP, 0, 0], [0, 1, 0]],
        [-STEEP / 2, -STEEP / 2 - 1, 0],
        [1, -1, 0.5],
        0,
    ),
}


def network(name):
    weights, bias, counts, offset = NETWORKS[name]
    inputs = keras.Input((3,), dtype="float64")
    hidden = keras.layers.Dense(len(bias), activation="relu", dtype="float64")
    last = keras.layers.Dense(1, dtype="float64")
    model = keras.Model(inputs, last(hidden(inputs)))
    hidden.set_weights([np.transpose(np.array(weights, float)), np.array(bias, float)])
    last.set_weights([np.array(counts, float)[:, None], np.array([offset], float)])
    return model


def rows():
    """(network, truth, verdict of each method) of the table on the page."""
    lines = (ROOT / "docs/trust.md").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| network |"))
    names = [cell.strip() for cell in lines[start].strip("|").split("|")][2:]
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        truth = [float(fractions.Fraction(part)) for part in cells[1].split(",")]
        yield cells[0].partition(":")[0], truth, dict(zip(names, cells[2:], strict=True))


def test_the_table_is_of_these_networks_and_methods():
    assert [name for name, _, _ in rows()] == list(NETWORKS)
    assert all(list(verdicts) == list(METHODS) for _, _, verdicts in rows())


@pytest.mark.parametrize(
    ("name", "truth", "verdicts"), list(rows()), ids=lambda one: str(one)[:12]
)
def test_methods_are_right_where_the_page_says(name, truth, verdicts):
    model, x = network(name), np.ones((1, 3))
    outputs = [model(point)[0, 0].numpy() for point in (x, 0 * x)]
    assert abs(outputs[0] - outputs[1]) > 0.5
    found = {}
    for method, one in METHODS.items():
        values = one(model, x, 0, score="output").values[0]
        size = np.abs(values).sum()
        shares = values / size if size else values
        found[method] = "yes" if np.abs(shares - truth).max() <= 0.05 else "no"
    assert found == verdicts
