"""Options of drawing: what each changes, the same in every figure, and what is refused."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.plotting.examples import attribution, images, of_images, of_map, texts
from tests.plotting.gallery import Stepped, cam, dog, many, photo, series, series_map, table
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.plotting import (
    Drawing,
    pictures,
    plot_attribution,
    plot_comparison,
    style,
    sweep,
)
from tfxai.plotting.colours import grey
from tfxai.plotting.drawing import WORDS
from tfxai.plotting.labels import option_text
from tfxai.plotting.measure import cut, text_width, wrapped
from tfxai.plotting.tiles import tile_of


def swept(**words):
    return sweep(Stepped(), "steps", (1, 9), None, photo().inputs, **words)


EVERY = {
    "plot": lambda **words: photo().plot(**words),
    "comparison": lambda **words: plot_comparison([photo(), cam()], **words),
    "sweep": swept,
}


@pytest.fixture(params=EVERY)
def draw(request):
    return EVERY[request.param]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"styl": "mask"}, r"no drawing option 'styl'.*'style'"),
        ({"style": "masks"}, r"no style 'masks'.*'mask'"),
        ({"cmap": "virids"}, "no colour map 'virids'"),
    ],
)
def test_an_unknown_word_is_refused_with_its_neighbours(words, sentence):
    for draw in (EVERY["plot"], EVERY["comparison"]):
        with pytest.raises(UnknownNameError, match=sentence):
            draw(**words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"alpha": 0}, "a number above 0, at most 1"),
        ({"alpha": 1.5}, "a number above 0, at most 1"),
        ({"threshold": 1}, r"a number in \[0, 1\)"),
        ({"threshold": -0.1}, r"a number in \[0, 1\)"),
        ({"vmax": 0}, "a number above 0 or 'shared'"),
        ({"vmax": np.nan}, "a number above 0 or 'shared'"),
        ({"vmax": "own"}, "a number above 0 or 'shared'"),
        ({"vmax": True}, "a number above 0 or 'shared'"),
        ({"clip_percentile": 0}, "a percentile"),
        ({"clip_percentile": 101}, "a percentile"),
        ({"columns": 0}, "an integer of at least 1"),
        ({"columns": 2.5}, "an integer of at least 1"),
        ({"title": 3}, "a text"),
        ({"cmap": 3}, "a colour map of matplotlib"),
        ({"ax": "axes"}, "Axes of matplotlib"),
        ({"ax": []}, "Axes of matplotlib"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_in_every_figure(draw, words, expected):
    with pytest.raises(InvalidInputError, match=f"expected to be {expected}"):
        draw(**words)


def test_a_record_may_be_made_of_its_own_values():
    one = Drawing.of({"figsize": 3, "true_labels": [1], "vmax": 2, "feature_names": ["a"]})
    again = Drawing(**{word: getattr(one, word) for word in WORDS})
    for word in WORDS:
        assert getattr(again, word) == getattr(one, word)


def test_a_title_and_a_colour_map_reach_every_figure(draw):
    figure = draw(title="a title", cmap="PiYG", style="heatmap")
    assert "a title" in texts(figure)
    names = {one.images[0].get_cmap().name for one in figure.axes if one.images}
    assert "PiYG" in names


def test_a_fixed_scale_is_in_the_unit_of_the_map():
    one = of_images()
    (heat,) = images(plot_attribution(one, style="heatmap", vmax=4))[1:]
    np.testing.assert_allclose(heat, np.clip(one.values[0].sum(-1) / 4, -1, 1), atol=1e-7)
    words = texts(plot_attribution(one, vmax=4))
    assert {"supports\n4", "speaks against\n\N{MINUS SIGN}4"} <= set(words)
    assert any(text.startswith("All maps share one scale: the strongest") for text in words)


def test_a_shared_scale_keeps_the_sizes_of_maps_apart():
    strong, weak = photo(), dataclasses.replace(photo(), values=np.asarray(photo().values) / 4)
    own = images(plot_attribution([strong, weak], style="heatmap"))
    np.testing.assert_allclose(own[1], own[2], atol=1e-5)
    shared = images(plot_attribution([strong, weak], style="heatmap", vmax="shared"))
    np.testing.assert_allclose(shared[1], own[1], atol=1e-5)
    inside = np.abs(shared[1]) < 1
    np.testing.assert_allclose(shared[2][inside], shared[1][inside] / 4, atol=1e-5)


def test_a_shared_scale_of_zeros_draws():
    one = attribution(np.zeros((1, 4, 4, 3)), np.ones((1, 4, 4, 3)))
    assert (images(plot_attribution(one, vmax="shared"))[1] == 0).all()


def test_targets_of_one_method_stand_side_by_side_on_one_scale():
    figure = plot_comparison([photo(), dog()], style="heatmap")
    assert {"Egyptian cat", "Labrador\nretriever", "probability 12.0%"} & set(texts(figure))
    image, cat, other = images(figure)
    np.testing.assert_allclose(image, photo().pixels[0], atol=1e-6)
    np.testing.assert_allclose(
        other[:, ::-1][np.abs(cat) < 1], cat[np.abs(cat) < 1] / 2, atol=1e-5
    )
    bars = [axes for axes in figure.axes if not axes.images]
    assert len(bars) == 1  # one colour bar


def test_the_percentile_is_passed_on():
    one = photo()
    heat = images(plot_attribution(one, clip_percentile=80))[1]
    np.testing.assert_allclose(heat, one.heatmap(clip_percentile=80)[0], atol=1e-6)
    assert any("scaled by the 80th percentile" in t for t in texts(one.plot(clip_percentile=80)))
    assert any("the 91st percentile" in text for text in texts(one.plot(clip_percentile=91)))
    assert any("the 12th percentile" in text for text in texts(one.plot(clip_percentile=12)))


def test_an_overlay_of_signed_values_is_grey_under_the_threshold():
    one = photo()
    heat = one.heatmap()[0]
    for words, least in (({}, 0.2), ({"threshold": 0.6}, 0.6), ({"threshold": 0.0}, 0.0)):
        (shown,) = pictures(one, **words)
        is_coloured = np.ptp(shown, axis=-1) > 1e-9
        np.testing.assert_array_equal(is_coloured, np.abs(heat) >= max(least, 1e-9))
        under = ~is_coloured
        np.testing.assert_allclose(shown[under], grey(one.pixels[0].astype(float))[under])


def test_alpha_says_how_much_of_the_image_is_left():
    one = of_images()
    (whole,), (half,) = pictures(one, alpha=1.0), pictures(one, alpha=0.5)
    place = (1, 2)  # the strongest heat
    below = grey(one.pixels[0].astype(float))[place]
    np.testing.assert_allclose(half[place], (whole[place] + below) / 2)


def test_a_mask_shows_the_image_where_it_supports():
    one = of_images()
    (shown,) = pictures(one, style="mask")
    supports = one.heatmap()[0] >= 0.5
    np.testing.assert_allclose(shown[supports], one.pixels[0][supports], atol=1e-6)
    assert (shown[~supports] > 0.8).all()  # faded, what speaks against too
    assert supports.sum() == 2


def test_contours_go_round_what_supports_and_what_speaks_against():
    one = photo()
    (shown,) = pictures(one, style="contour", threshold=0.3)
    colours = {tuple(np.round(dot * 255).astype(int)) for dot in shown.reshape(-1, 3)}
    assert (0xB2, 0x18, 0x2B) in colours
    assert (0x21, 0x66, 0xAC) in colours
    times = len(shown) // 32
    assert shown.shape == (32 * times, 32 * times, 3)
    red = np.all(np.round(shown * 255) == (0xB2, 0x18, 0x2B), axis=-1)
    rows, columns = np.nonzero(red)
    assert abs(rows.mean() / times - 12.5) < 1.5  # around the part that supports
    assert abs(columns.mean() / times - 14.5) < 1.5
    assert not red[12 * times, 14 * times]  # a line, not its inside
    (unsigned,) = pictures(cam(), style="contour")
    assert not np.all(np.round(unsigned * 255) == (0x21, 0x66, 0xAC), axis=-1).any()


@pytest.mark.parametrize("look", ["mask", "contour"])
def test_parts_of_a_map_of_zeros_are_none(look):
    one = attribution(np.zeros((1, 40, 40, 3)), np.full((1, 40, 40, 3), 0.5))
    (shown,) = pictures(one, style=look, threshold=0.0)
    assert np.ptp(shown) < 1e-9


def test_what_is_drawn_is_what_the_arrays_hold():
    for look in ("overlay", "mask", "contour"):
        drawn = images(plot_attribution(photo(), style=look))[2]
        np.testing.assert_allclose(drawn, pictures(photo(), style=look)[0])
        compared = images(plot_comparison([photo(), cam()], style=look))
        np.testing.assert_allclose(compared[2], pictures(cam(), style=look)[0])
        np.testing.assert_allclose(images(swept(style=look))[1], drawn)
    heat = images(plot_comparison([photo()], style="heatmap"))[1]
    np.testing.assert_allclose(heat, photo().heatmap()[0], atol=1e-6)


def test_the_user_s_axes_get_the_picture_and_its_title():
    figure = Figure()
    axes = figure.add_subplot(2, 2, 3)
    assert photo().plot(ax=axes) is figure
    np.testing.assert_allclose(axes.images[0].get_array(), pictures(photo())[0])
    assert axes.get_title() == "Egyptian cat, probability 83.0%"
    photo().plot(ax=axes, title="mine $x")
    assert axes.get_title() == "mine $x"
    figure.canvas.draw()


def test_a_grid_of_the_user_s_axes_gets_a_picture_each():
    figure = Figure()
    several = figure.subplots(1, 3)
    plot_comparison([photo(), cam()], ax=several)
    assert [one.get_title() for one in several] == ["Image", "Integrated Gradients", "Grad-CAM"]
    np.testing.assert_allclose(several[2].images[0].get_array(), pictures(cam())[0])
    swept(ax=several)
    assert [one.get_title() for one in several] == ["Image", "steps=1", "steps=9"]
    with pytest.raises(InvalidInputError, match="ax holds 3 axes for 2 pictures"):
        plot_attribution([photo(), cam()], ax=several)
    with pytest.raises(InvalidInputError, match=r"shape \(1, 12\), and images"):
        pictures(table())


def test_the_true_label_stands_beside_the_prediction():
    batch = many(3)
    words = texts(batch.plot(index=[0, 2], true_labels=[1, 0, "lynx"]))
    assert "true label Labrador retriever" in words
    assert "true label lynx" in words
    assert "true label 9" in texts(batch.plot(true_labels=np.array([9, 0, 0])))
    words = texts(plot_comparison([batch], true_labels=[0, 0, 0]))
    assert sum("true label Egyptian cat" in text for text in words) == 3
    assert "true label Egyptian cat" in texts(swept(true_labels=[0]))
    for draw in (batch.plot, lambda **words: plot_comparison([batch], **words)):
        with pytest.raises(InvalidInputError, match="true_labels holds 2 labels for 3 examples"):
            draw(true_labels=[0, 1])


def sheet(figure):
    """The picture of a grid, where it begins, and the dots of an inch."""
    (axes,) = [axes for axes in figure.axes if axes.images]
    return np.asarray(axes.images[0].get_array())


@pytest.mark.parametrize("look", ["overlay", "mask", "heatmap"])
def test_each_picture_of_a_grid_is_that_of_its_example(look):
    batch = many(7)
    index = [6, 0, 3, 5, 1]
    drawn = sheet(batch.plot(index=index, columns=3, style=look))
    expected = np.round(np.stack(pictures(batch, style=look)) * 255)
    across = drawn.shape[1] / 3
    down = drawn.shape[0] / 2
    side = int(across - 0.08 * 160)  # dots of a picture, without the gap
    for place, example in enumerate(index):
        top, left = round(place // 3 * down), round(place % 3 * across)
        tile = drawn[top : top + side, left : left + side]
        steps = (np.arange(32) + 0.5) * side / 32
        picked = tile[np.ix_(steps.astype(int), steps.astype(int))]
        np.testing.assert_allclose(picked, expected[example], atol=1)


def test_many_images_are_a_grid_and_few_are_rows():
    assert len(images(many(9).plot(index=None))) == 1
    assert len(images(many(8).plot(index=None))) == 24
    assert len(images(many(9).plot(index=None, limit=9))) == 27
    words = texts(many(12).plot(index=None, columns=4, limit=10))
    assert any(text.startswith("The first 10 of 12 examples.") for text in words)


def test_captions_of_a_grid_name_class_probability_and_truth():
    words = texts(many(4).plot(index=None, columns=2, true_labels=[0, 0, 0, 1]))
    assert {"Egyptian cat 40%", "true Egyptian cat"} <= set(words)
    figure = many(4).plot(index=None, columns=2, true_labels=[0, 0, 0, 1])
    bold = [text.get_text() for text in figure.texts if text.get_weight() == "bold"]
    assert bold[1::2] == ["true Egyptian cat"]  # example 2 is a Labrador to the model
    assert bold[0].endswith("60%")


def test_a_grid_knows_a_true_label_in_any_case_and_names_the_mistake():
    batch = dataclasses.replace(many(2), target=np.zeros(2, int))  # predicted are 0 and 1
    for given in (["egyptian CAT", "EGYPTIAN cat"], [0, 0], ["0", "0"]):
        figure = batch.plot(index=None, columns=2, true_labels=given)
        bold = [text.get_text() for text in figure.texts if text.get_weight() == "bold"]
        assert [one.split()[0] for one in bold] == ["Egyptian", "predicted"]
        right, wrong = (tile_of(batch[i], Drawing(), label=given[i]).truth for i in range(2))
        assert (right, wrong) == ("true Egyptian cat", "predicted Labrador retriever")
    tile = tile_of(batch[1], Drawing(), label="lynx")
    assert tile.truth == "true lynx, not Labrador retriever"
    assert not tile_of(batch[1], Drawing(), label="labrador RETRIEVER").is_wrong


def test_a_grid_says_of_which_of_two_classes_the_probability_is():
    one = dataclasses.replace(many(1), score_name="Cat rather than Dog", target=np.array([-1]))
    tile = tile_of(one, Drawing())
    assert tile.explains + tile.sure == "Cat rather than Dog, Cat 40%"


def test_a_grid_of_anything_but_images_is_refused():
    with pytest.raises(InvalidInputError, match=r"grids are drawn of images.*Leave out columns"):
        series().plot(columns=2)
    with pytest.raises(InvalidInputError, match="a grid of one attribution, and there are 2"):
        plot_attribution([photo(), cam()], columns=2)
    with pytest.raises(InvalidInputError, match=r"inches high, and 100 is the most"):
        many(120).plot(index=None, columns=1)


@pytest.mark.slow
def test_five_hundred_images_are_one_page_in_bounded_memory():
    one = many(500)
    values, inputs = (np.asarray(a, np.float32).repeat(3, 1) for a in (one.values, one.inputs))
    one = dataclasses.replace(one, values=values, inputs=inputs)
    tracemalloc.start()
    figure = one.plot(index=None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(figure.get_size_inches()) < 20
    assert len([axes for axes in figure.axes if axes.images]) == 1
    assert peak < (values.nbytes + inputs.nbytes) / 2  # no copy of all


def test_channels_of_a_series_have_their_names_on_map_rows_too():
    names = ["heart", "breath", "pressure"]
    for one in (series(), series_map()):
        words = texts(one.plot(feature_names=names))
        assert {f"\N{EM DASH} {name}" for name in names} <= set(words)
    assert {"■ supports", "■ speaks against"} <= set(texts(series_map().plot()))
    with pytest.raises(InvalidInputError, match="holds 2 names, and there are 3 channels"):
        series().plot(feature_names=names[:2])


def test_square_values_of_unknown_axes_are_images():
    values = np.zeros((2, 28, 28))
    values[1, 3, 5] = 1.0
    one = attribution(values, np.ones((2, 28, 28)))
    image, heat, _ = images(one.plot(index=1))
    assert image.shape == (28, 28, 3)
    assert heat[3, 5] == 1
    assert len(images(one.plot(index=[0, 1]))) == 6
    assert len(one.plot(vmax="shared").axes) > 3
    assert not images(attribution(np.ones((1, 28, 20)), np.ones((1, 28, 20))).plot())
    assert not images(dataclasses.replace(one, axes="TC").plot())


def test_tuples_are_said_as_they_are():
    assert option_text((15, 15)) == "(15, 15)"
    assert option_text((7,)) == "(7,)"
    assert option_text(((0, 1), (2.5, None))) == "((0, 1), (2.5, None))"
    assert option_text([[0.0]]) == "(an array)"
    assert option_text(tuple(range(9))) == "(an array)"


def test_other_alphabets_are_drawn_in_a_font_that_has_them(monkeypatch):
    style.families.cache_clear()
    entry = dataclasses.replace(style.font_manager.fontManager.ttflist[0], name="Noto Sans CJK JP")
    found = [*style.font_manager.fontManager.ttflist, entry]
    monkeypatch.setattr(style.font_manager.fontManager, "ttflist", found)
    try:
        assert style.families() == ("DejaVu Sans", "Noto Sans CJK JP")
        assert style.font(8)["fontfamily"] == ["DejaVu Sans", "Noto Sans CJK JP"]
    finally:
        style.families.cache_clear()


def test_texts_are_cut_and_broken_by_their_width():
    text = "Labrador retriever " * 3
    assert text_width(cut(text, 1.0, 8), 8) <= 1.0
    assert cut(text, 1.0, 8).endswith("…")
    assert cut("short", 1.0, 8) == "short"
    lines = wrapped(text, 1.0, 8)
    assert " ".join(lines) == text.strip()
    assert max(text_width(line, 8) for line in lines) <= 1.0
    assert "".join(wrapped("block5_conv3" * 4, 0.5, 8)) == "block5_conv3" * 4
    assert len(wrapped(text, 1.0, 8, most=2)) == 2
    assert wrapped("", 1.0, 8) == []


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        ("Score-CAM", ["Score-", "CAM"]),
        ("of=saliency(absolute=False)", ["of=saliency(", "absolute=False)"]),
    ],
)
def test_a_long_word_is_broken_where_its_parts_meet(word, lines):
    assert wrapped(word, 1.25 * max(text_width(line, 8) for line in lines), 8) == lines


def test_what_overlays_leave_out_is_said_of_those_that_do():
    both = texts(plot_attribution([photo(), cam()]))
    assert any("Overlays of signed values leave out what is under 0.2" in text for text in both)
    one = texts(plot_attribution(photo()))
    assert any("Overlays leave out what is under 0.2" in text for text in one)
    given = texts(plot_attribution([photo(), cam()], threshold=0.3))
    assert any("Overlays leave out what is under 0.3" in text for text in given)


def test_the_photograph_of_another_image_is_drawn_again():
    other = dataclasses.replace(photo(), inputs=1 - np.asarray(photo().inputs))
    assert len(images(plot_attribution([photo(), cam(), other]))) == 3 + 2 + 3
    assert len(images(plot_attribution([of_images(2), of_map(2)], None))) == 10
