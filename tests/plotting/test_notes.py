"""What stands under a figure: remarks of what is drawn, each once, inside the page."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.plotting.examples import attribution, of_images, texts
from tfxai.plotting import plot_attribution, plot_comparison
from tfxai.plotting.notes import gathered

METHOD = {"name": "integrated_gradients", "options": {"steps": 50, "tolerance": None}}


HELD = "Input 'tokens' was held fast by {} and got no values."


def lines(figure):
    """The texts of a figure, lines that were broken put together."""
    return [text.replace("\n", " ") for text in texts(figure)]


def missed(share):
    return (
        f"The values of integrated_gradients miss the score's difference to the baseline by "
        f"{share}. Pass tolerance=0.01, which takes as many steps as an example needs."
    )


def test_gap_zeros_held_inputs_and_notes_stand_under_the_figure():
    one = attribution(
        [[0.0, 0.0]],
        [[1.0, 2.0]],
        baseline_score=np.array([0.5]),
        completeness_gap=np.array([-2.0]),
        method=METHOD,
        held=("tokens",),
        notes=("The input looks dark.",),
    )
    found = lines(plot_attribution(one))
    assert [sentence for sentence in found if sentence in one.remarks] == one.remarks
    assert len(one.remarks) == 3  # zeros that miss all of the difference are told as that
    assert missed("100%") in found


def test_only_examples_that_are_drawn_are_remarked_on_by_their_numbers():
    gaps = {"completeness_gap": np.array([0.01, 0.75, 1.5, 0.75]), "method": METHOD}
    batch = of_images(4, held=("tokens",), **gaps)
    found = lines(plot_attribution(batch, index=[0, 1, 3]))
    assert found.count(HELD.format("integrated_gradients")) == 1
    assert f"Example 2 and Example 4: {missed('25%')}" in found
    assert not any("50%" in text for text in found)
    assert not any("miss" in text for text in lines(plot_attribution(batch, index=0)))
    assert missed("50%") in lines(plot_attribution(batch, index=2))


def test_a_sentence_of_several_methods_stands_once():
    ones = [of_images(held=("tokens",)), of_images(held=("tokens",), method=METHOD)]
    found = lines(plot_attribution(ones))
    assert found.count(HELD.format("integrated_gradients")) == 1


@pytest.mark.parametrize("draw", [plot_attribution, plot_comparison])
def test_what_was_held_names_the_methods_that_held_it(draw):
    saliency, lime = ({"name": name, "options": {}} for name in ("saliency", "lime"))
    ones = [
        of_images(held=("tokens",)),
        of_images(method=lime),
        of_images(held=("tokens",), method=saliency),
    ]
    found = [line for line in lines(draw(ones)) if "held fast" in line]
    assert found == [HELD.format("integrated_gradients and saliency")]
    assert (
        "by saliency at layer 'conv' and"
        in of_images(held=("tokens",), method=saliency, at="conv").remarks[0]
    )


def test_a_comparison_says_of_which_image():
    gaps = {"completeness_gap": np.array([0.01, 0.75]), "method": METHOD}
    found = lines(plot_comparison([of_images(2, **gaps), of_images(2)]))
    assert f"Image 2: {missed('25%')}" in found


def test_sentences_are_gathered_in_order_behind_their_names():
    assert gathered([("a", ["x", "y", "x"]), ("b", ["z", "y"]), ("c", ["z"])]) == [
        "a: x",
        "a and b: y",
        "b and c: z",
    ]
    assert gathered([("a", ["x", "x"])]) == ["x"]
    assert gathered([]) == []


@pytest.mark.parametrize("note", ["WWWWW MMMMM " * 40, "illi " * 150, "x" * 600, "short"])
def test_long_notes_are_broken_inside_the_page_and_hide_nothing(note):
    one = of_images(held=("tokens",), notes=(note,))
    figure = plot_attribution(one)
    figure.canvas.draw()
    width = figure.canvas.get_width_height()[0]
    boxes = [text.get_window_extent() for text in figure.texts]
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 for box in boxes)
    panels = [axes.get_window_extent() for axes in figure.axes]
    assert not any(panel.overlaps(box) for panel in panels for box in boxes)
    notes = sorted(boxes[-3:], key=lambda box: -box.y0)
    assert all(above.y0 > below.y1 for above, below in itertools.pairwise(notes))


def test_a_figure_without_remarks_has_no_notes_but_its_legend():
    figure = plot_attribution(attribution([[1.0]], [[1.0]]))
    bottom = min(text.get_window_extent().y0 for text in figure.texts)
    assert not any("percentile" in text for text in texts(figure))
    assert bottom > 0
