"""Occlusion beside what is written first, compiled, and beside tf-explain's where it is installed.

The plain version is one `tf.function` with the same chunk of windows at once, each of them a whole
pass. tf-explain knows windows side by side only, and is compared on those.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks.methods import chunk_of
from benchmarks.timing import interleaved, milliseconds, ratio
from tfxai.data import sample_image
from tfxai.data.images import fit_image

AGREEMENT = 1e-5  # of a probability
COLUMNS = ("model", "window", "stride", "ms", "beside", "ms", "times faster", "min-max")
NETWORKS = {  # random weights: times do not depend on them; runs of each
    "VGG16": 1,
    "ResNet50": 3,
    "MobileNet": 3,
    "MobileNetV2": 3,
    "EfficientNetB0": 3,
}
CIFAR_RUNS = 15


def occlusion_table(
    subjects: dict[str, tuple[tfxai.Subject, np.ndarray, int]], window: int, stride: int
) -> Table:
    """How much faster occlusion is than a pass for each window, and than tf-explain's.

    Args:
        subjects: The model, (1, H, W, C) as it takes it, and how often it is timed.
        window: Side of the windows.
        stride: Distance between them.

    Raises:
        ValueError: Both give different values.
    """
    side = next(iter(subjects.values()))[1].shape[1]
    table = Table(title=f"One image of {side}x{side}: occlusion")
    for i, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if i in (0, 4) else "right")
    for name, (subject, image, rounds) in subjects.items():
        for row in _rows(name, subject, image, rounds, window, stride):
            table.add_row(*row)
    return table


def _rows(
    name: str, subject: tfxai.Subject, image: np.ndarray, rounds: int, window: int, stride: int
) -> Iterator[list[str]]:
    target = int(tfxai.Saliency()(subject, image).target[0])
    method = tfxai.Occlusion(window=window, stride=stride, baseline=0.0)
    plain = plain_occlusion(subject.model, target, window, stride, chunk_of(subject, image))
    _check(name, method(subject, image, target).values, plain(image))
    beside = [("plain", method, lambda: plain(image))]
    if importlib.util.find_spec("tf_explain") is not None:
        apart = tfxai.Occlusion(window=window, stride=window, baseline=127.5)
        beside.append(("tf-explain", apart, _theirs(subject, image, target, window)))
    for what, ours, other in beside:
        work = {"ours": partial(ours, subject, image, target), "other": other}
        times = interleaved(work, rounds, is_warm=what == "plain")  # it was checked
        middle, low, high = ratio(times["other"], times["ours"])
        ms = [milliseconds(times[key]) for key in work]
        ratios = [f"{middle:.2f}", f"{low:.2f}-{high:.2f}"]
        yield [name, str(window), str(ours.stride), ms[0], what, ms[1], *ratios]


def plain_occlusion(
    model: keras.Model, target: int, window: int, stride: int, chunk: int
) -> Callable[[np.ndarray], np.ndarray]:
    """The drop of a class's probability, averaged over the windows that cover each position."""
    height, width = model.input_shape[1:3]
    tops, lefts = (_starts(side, window, stride) for side in (height, width))
    masks = np.zeros((len(tops), len(lefts), height, width), bool)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            masks[i, j, top : top + window, left : left + window] = True
    masks = masks.reshape(-1, height, width)
    rounds = math.ceil(len(masks) / chunk)
    size = math.ceil(len(masks) / rounds)
    number = np.minimum(np.arange(rounds * size), len(masks) - 1).reshape(rounds, size)
    covers = tf.constant(masks)

    @tf.function(autograph=False)
    def scores(x: tf.Tensor) -> tf.Tensor:
        def some(number: tf.Tensor) -> tf.Tensor:
            rows = tf.where(tf.gather(covers, number)[..., None], 0.0, x)
            return model(rows, training=False)[:, target]

        left = tf.map_fn(
            some,
            tf.constant(number),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec((size,), tf.float32),
        )
        return model(x, training=False)[:, target] - tf.reshape(left, [-1])[: len(masks)]

    def occlusion(image: np.ndarray) -> np.ndarray:
        drops = scores(tf.constant(image)).numpy()
        return (np.einsum("n,nhw->hw", drops, masks) / masks.sum(axis=0))[None]

    return occlusion


def _starts(side: int, window: int, stride: int) -> list[int]:
    return sorted({*range(0, side - window, stride), side - window})


def _theirs(
    subject: tfxai.Subject, image: np.ndarray, target: int, window: int
) -> Callable[[], object]:
    from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

    method = OcclusionSensitivity()
    return lambda: method.get_sensitivity_map(subject.model, image[0], target, window)


def _check(name: str, ours: np.ndarray, plain: np.ndarray) -> None:
    """Raises `ValueError` unless two maps agree: times of different things say nothing."""
    difference = float(np.abs(ours - plain).max())
    if not difference <= AGREEMENT:
        raise ValueError(f"Occlusion of {name} is off its plain version by {difference:.1e}.")


def main() -> None:
    """Prints the tables."""
    console = Console(width=100)
    keras.config.disable_interactive_logging()  # tf-explain shows a bar for every image
    subject = tfxai.load("cifar10_cnn")
    image = np.asarray(subject.prepare(photograph(32)), np.float32)
    console.print(occlusion_table({"cifar10_cnn": (subject, image, CIFAR_RUNS)}, 4, 2))
    keras.utils.set_random_seed(0)
    pixels = (photograph(224) / 255).astype(np.float32)
    subjects = {}
    for name, rounds in NETWORKS.items():
        model = getattr(keras.applications, name)(weights=None)
        subjects[name] = (tfxai.Subject(model), pixels, rounds)
    console.print(occlusion_table(subjects, 16, 8))


def photograph(side: int) -> np.ndarray:
    """One of scikit-image's photographs, (1, side, side, 3) uint8."""
    return fit_image(sample_image("chelsea"), side, side)[None]


if __name__ == "__main__":
    main()
