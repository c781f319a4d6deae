"""A figure of each kind, as a function of drawing options."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tests.plotting.examples import attribution
from tfxai.attribution import Attribution
from tfxai.columns import Column
from tfxai.plotting import plot_attribution, plot_comparison, sweep

CLASSES = ("Egyptian cat", "Labrador retriever")
_ROWS, _COLUMNS = np.mgrid[:32, :32]


def _spot(row: float, column: float, width: float) -> np.ndarray[Any, Any]:
    squares = (_ROWS - row) ** 2 + (_COLUMNS - column) ** 2
    return np.exp(-squares / (2 * width**2))


def photo(**others: Any) -> Attribution:
    """One image of 32 x 32: a part that supports, one that speaks against, and noise."""
    rng = np.random.default_rng(0)
    values = (_spot(12, 14, 4) - 0.6 * _spot(25, 6, 3))[None, ..., None] + np.zeros(3)
    values += 0.05 * rng.normal(size=values.shape)
    pixels = 0.3 + 0.4 * _spot(15, 15, 8)[None, ..., None] + 0.2 * rng.random((1, 32, 32, 3))
    known = {
        "axes": "HWC",
        "class_names": CLASSES,
        "probability": np.array([0.83]),
        "prediction": np.array([0]),
        "baseline_score": np.array([-0.5]),
        "completeness_gap": np.array([0.5]),
        "method": {
            "name": "integrated_gradients",
            "options": {"steps": 50, "baseline": "black", "tolerance": None},
        },
    }
    return attribution(values, pixels, **{**known, **others})


def cam(layer: str = "block5_conv3") -> Attribution:
    """A map of 4 x 4 over the same image."""
    return dataclasses.replace(
        photo(),
        values=_spot(12, 14, 8)[None, 4::8, 4::8],
        is_map=True,
        is_signed=False,
        baseline_score=None,
        completeness_gap=None,
        method={"name": "grad_cam", "options": {"layer": layer, "window": (15, 15)}},
    )


def dog() -> Attribution:
    """The other class of the same image, half as strong."""
    one = photo(target=np.array([1]), probability=np.array([0.12]))
    return dataclasses.replace(one, values=np.asarray(one.values)[:, :, ::-1] / 2)


def many(count: int) -> Attribution:
    """Images with a spot in other places, of two classes."""
    rng = np.random.default_rng(1)
    spots = np.stack([_spot(*rng.integers(6, 26, 2), 3) for _ in range(count)])
    return attribution(
        spots[..., None] + np.zeros(3),
        0.4 + 0.3 * spots[..., None] + 0.1 * rng.random((count, 32, 32, 3)),
        axes="HWC",
        class_names=CLASSES,
        probability=np.linspace(0.4, 1, count),
        prediction=np.arange(count) % 2,
    )


def series(**others: Any) -> Attribution:
    """Three channels over 40 steps."""
    steps = np.linspace(0, 8, 40)
    inputs = np.stack([np.sin(steps), np.cos(2 * steps), steps / 8], -1)[None]
    return attribution(inputs * np.array([1, 0.2, -0.5]), inputs, axes="TC", **others)


def series_map() -> Attribution:
    """A map of 10 steps over the same series."""
    one = series(is_map=True)
    return dataclasses.replace(one, values=np.sin(np.linspace(0, 6, 10))[None])


def volume() -> Attribution:
    """12 slices of 20 x 20."""
    rng = np.random.default_rng(2)
    return attribution(*(rng.normal(size=(1, 12, 20, 20)) for _ in range(2)), axes="DHW")


def scan(name: str = "integrated_gradients") -> Attribution:
    """12 slices of 20 x 20 with a part that supports, and one that speaks against."""
    depth, row, column = np.mgrid[:12, :20, :20]

    def ball(z: float, y: float, x: float, width: float) -> np.ndarray[Any, Any]:
        squares = 2 * (depth - z) ** 2 + (row - y) ** 2 + (column - x) ** 2
        return np.exp(-squares / (2 * width**2))

    rng = np.random.default_rng(5)
    values = ball(5, 7, 7, 2) - 0.6 * ball(8, 14, 14, 2)
    if name != "integrated_gradients":
        values = 3 * np.roll(values, 2, axis=0)
    return attribution(
        values[None],
        (ball(5, 10, 10, 6) + 0.1 * rng.random((12, 20, 20)))[None],
        axes="DHW",
        probability=np.array([0.8]),
        prediction=np.array([0]),
        method={"name": name, "options": {}},
    )


def table() -> Attribution:
    """Twelve features."""
    rng = np.random.default_rng(3)
    return attribution(rng.normal(size=(1, 12)), rng.normal(50, 20, (1, 12)))


def long_names(**others: Any) -> Attribution:
    """24 features with long names that begin alike, and inputs of many digits."""
    rng = np.random.default_rng(4)
    names = ["age", "hours per week, of all the jobs of one year", "marital status"]
    names += [f"a rather long name of column {i}" for i in range(21)]
    values = rng.normal(size=(1, 24)) * np.logspace(0, -2, 24)
    columns = tuple(map(Column, names))
    return attribution(values, 1000 * rng.normal(size=(1, 24)), columns=columns, **others)


def small_bars(**others: Any) -> Attribution:
    """A hardly negative value beside a name that fills its room."""
    names = ["latitude", "age", "a long name of a column that matters"]
    columns = tuple(map(Column, names))
    return attribution(
        [[32.35, -1.093, -0.001125]], [[52.1, 39.2, 7.5]], columns=columns, **others
    )


def of_targets(one: Attribution, *scales: float) -> list[Attribution]:
    """One method about as many targets, the values of each by that multiple."""
    return [
        dataclasses.replace(
            one,
            values=np.asarray(one.values) * scale,
            target=np.array([i]),
            class_names=("stays", "leaves", "comes back"),
        )
        for i, scale in enumerate(scales)
    ]


def regression(name: str = "integrated_gradients", scale: float = 1.0) -> Attribution:
    """The same image and the only output of a regressor."""
    return dataclasses.replace(
        photo(),
        values=np.asarray(photo().values) * scale,
        method={"name": name, "options": {}},
        score_name="output",
        class_names=None,
        probability=None,
        prediction=None,
    )


@dataclasses.dataclass(frozen=True)
class Stepped:
    """A method whose answer is known for any number of steps."""

    steps: int = 1
    name = "integrated_gradients"

    def __call__(self, model: Any, inputs: Any, target: Any, **call: Any) -> Attribution:
        one = photo(completeness_gap=np.array([1e-3 / self.steps]))
        options = {"steps": self.steps}
        return dataclasses.replace(one, method={"name": self.name, "options": options})


_NAMES = ["heart rate", "respiration", "blood pressure"]
_LONG = "folder/" * 6 + "photograph.png"

FIGURES: dict[str, Callable[..., Figure]] = {
    "one": lambda **o: plot_attribution(photo(), title=_LONG, true_labels=[1], **o),
    "two methods": lambda **o: plot_attribution([photo(), cam()], **o),
    "mask": lambda **o: plot_attribution(photo(), style="mask", **o),
    "contour": lambda **o: plot_attribution(photo(), style="contour", vmax=2.0, **o),
    "heatmap": lambda **o: plot_attribution(photo(), style="heatmap", vmax=0.0321, **o),
    "batch": lambda **o: plot_attribution(many(3), None, true_labels=[0, 0, 1], **o),
    "grid": lambda **o: plot_attribution(many(30), None, true_labels=[0, 1, 1] * 10, **o),
    "columns": lambda **o: plot_attribution(many(6), None, columns=3, **o),
    "targets": lambda **o: plot_comparison([photo(), dog()], names=[_LONG], **o),
    "methods": lambda **o: plot_comparison([photo(), cam(), cam("a/b/c/deep")], **o),
    "lines": lambda **o: plot_comparison([photo(), cam(), cam("x"), cam("y")], columns=3, **o),
    "sweep": lambda **o: sweep(Stepped(), "steps", (5, 10, 100), None, photo().inputs, **o),  # type: ignore[arg-type]
    "volume": lambda **o: plot_attribution(volume(), **o),
    "series": lambda **o: plot_attribution(series(), feature_names=_NAMES, **o),
    "series map": lambda **o: plot_attribution(series_map(), feature_names=_NAMES, **o),
    "table": lambda **o: plot_attribution(table(), **o),
    "long names": lambda **o: plot_attribution(long_names(), **o),
    "small bars": lambda **o: plot_attribution(small_bars(), **o),
    "table of targets": lambda **o: plot_attribution(of_targets(small_bars(), 1, -0.1), **o),
    "series of targets": lambda **o: plot_attribution(
        of_targets(series(), 1, 0.1, -2), feature_names=["a name of a channel " * 4, "b", "c"], **o
    ),
    "tiny series": lambda **o: plot_attribution(of_targets(series(), -3e-7)[0], **o),
    "large series": lambda **o: plot_attribution(of_targets(series(), 3e7)[0], **o),
    "compared volumes": lambda **o: plot_comparison([scan(), scan("occlusion")], **o),
    "targets of a volume": lambda **o: plot_comparison(of_targets(scan(), 1, -0.5, 0.2), **o),
    "compared series": lambda **o: plot_comparison(
        [series(), series_map()], feature_names=_NAMES, names=[f"{_LONG}\nnight 3"], **o
    ),
    "series of models": lambda **o: plot_comparison(
        [series(probability=np.array([p])) for p in (0.9, 0.2)], headings=["old", "new"], **o
    ),
    "masks of volumes": lambda **o: plot_attribution([volume(), volume()], style="mask", **o),
    "regression": lambda **o: plot_comparison([regression(), regression("lime")], **o),
    "models": lambda **o: plot_comparison(
        [photo(), cam("a_rather_deep_path_of_a_layer")], headings=["first", "other"], **o
    ),
    "magnitudes": lambda **o: plot_attribution(long_names(is_signed=False), **o),
}
"""Each takes more options of `Drawing`."""
