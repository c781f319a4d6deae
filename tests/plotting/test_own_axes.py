"""Tables, series and volumes on axes of the user's."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.plotting.examples import attribution, texts
from tfxai.errors import InvalidInputError
from tfxai.plotting import plot_attribution


def own(count=1):
    figure = Figure(figsize=(4 * count, 3))
    return figure, np.ravel(figure.subplots(1, count))


def test_a_table_gets_its_bars():
    figure, (ax,) = own()
    one = attribution([[0.5, -2.0, 1.0]], [[10.0, 20.0, -30.0]], probability=np.array([0.5]))
    assert plot_attribution(one, ax=ax, feature_names=["age", "height", "weight"]) is figure
    assert [patch.get_width() for patch in ax.patches] == [-2.0, 1.0, 0.5]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["height = 20", "weight = \N{MINUS SIGN}30", "age = 10"]
    assert ax.get_title() == "Cat, probability 50.0%"
    assert figure.axes == [ax]


def test_columns_of_a_table_are_summed_on_own_axes_too():
    _, (ax,) = own()
    one = attribution([[0.5, -2.0, 1.0]], [[10.0, 20.0, -30.0]])
    plot_attribution(one, ax=ax, groups={"both": ["feature 0", "feature 2"]})
    assert [patch.get_width() for patch in ax.patches] == [-2.0, 1.5]


def test_a_series_gets_the_lines_of_its_values_with_their_names():
    _, (ax,) = own()
    values = np.stack([np.arange(8.0), -np.arange(8.0)], axis=-1)[None]
    plot_attribution(attribution(values, values), ax=ax, feature_names=["pulse", "breath"])
    lines = [line.get_ydata() for line in ax.lines[:2]]
    np.testing.assert_array_equal(lines, values[0].T)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pulse", "breath"]
    assert ax.get_xlabel() == "time step"


def test_a_volume_gets_its_projection():
    _, (ax,) = own()
    values = np.zeros((1, 5, 4, 6, 1))
    values[0, 3, 1, 2] = 2.0
    values[0, 1, 2, 4] = -1.0
    one = attribution(values, np.zeros_like(values))
    plot_attribution(one, ax=ax, style="heatmap", clip_percentile=100)
    (heat,) = (np.asarray(image.get_array()) for image in ax.images)
    expected = np.zeros((4, 6))
    expected[1, 2], expected[2, 4] = 1.0, -0.5
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_several_examples_and_methods_take_axes_each():
    _, axes = own(4)
    one = attribution([[0.5, -2.0], [1.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]])
    other = attribution(
        2 * one.values, one.inputs, method={"name": "gradient_input", "options": {}}
    )
    plot_attribution([one, other], None, ax=axes)
    widths = [[patch.get_width() for patch in ax.patches] for ax in axes]
    assert widths == [[-2.0, 0.5], [-4.0, 1.0], [3.0, 1.0], [6.0, 2.0]]
    assert [ax.get_title() for ax in axes[:2]] == [
        "Integrated Gradients", "Gradient \N{MULTIPLICATION SIGN} Input"
    ]  # fmt: skip


def test_each_input_of_a_model_takes_axes():
    line = np.arange(8.0).reshape(1, 8, 1)
    values = {"pulse": line, "table": np.array([[1.0, -3.0]])}
    _, axes = own(2)
    plot_attribution(attribution(values, values), ax=axes)
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), np.arange(8.0))
    assert [patch.get_width() for patch in axes[1].patches] == [-3.0, 1.0]
    with pytest.raises(InvalidInputError, match="ax holds 1 axes for 2 pictures"):
        plot_attribution(attribution(values, values), ax=axes[0])


def test_a_map_without_its_image_is_drawn_alone():
    _, (ax,) = own()
    one = attribution(np.arange(6.0).reshape(1, 2, 3), np.zeros((1, 9)), is_map=True)
    plot_attribution(one, ax=ax)
    assert np.asarray(ax.images[0].get_array()).shape == (2, 3)
    assert "Cat" in " ".join(texts(ax))
