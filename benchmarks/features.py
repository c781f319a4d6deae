"""What pictures of classes are worth: the numbers of docs/features.md.

`python -m benchmarks.features` makes pictures of 20 classes of an ImageNet network, by plain
ascent on pixels and with transformations, and measures which are still seen after a blur and at
half size, and which are among the first five of a second network (some minutes).
`python -m benchmarks.features times` measures a step over the bare pass, and 32 objectives at once
over 32 runs (a minute).
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks.second_network import fitted, second_network
from benchmarks.timing import bare_pass, interleaved, milliseconds, ratio
from tfxai.errors import TfxaiWarning
from tfxai.features import (
    ActivationMaximisation,
    Channel,
    ClassLogit,
    Fourier,
    Pixels,
    Transformations,
)
from tfxai.features.ascent import Climb, climbed, start
from tfxai.features.measured import Weights, groups_of
from tfxai.features.pictures import PictureModel

CLASSES = (
    "goldfish", "ostrich", "great_white_shark", "flamingo", "king_penguin", "tabby", "tiger",
    "zebra", "ladybug", "monarch", "starfish", "hourglass", "volcano", "castle", "strawberry",
    "pineapple", "school_bus", "teapot", "acoustic_guitar", "daisy",
)  # fmt: skip
"""Classes of ImageNet with a shape of their own, chosen before any picture was made."""
LEAST = 12
"""Pictures that have to hold."""
TOP = 5
STEPS = 128
WAYS: dict[str, dict[str, Any]] = {
    "plain ascent on pixels, 40 steps": {
        "steps": 40,
        "parameterisation": Pixels(),
        "transformations": None,
    },
    f"Fourier, transformations, blur, {STEPS} steps": {
        "steps": STEPS,
        "parameterisation": Fourier(),
        "transformations": Transformations(blur=2.0),
    },
}


def imagenet() -> tuple[tfxai.Subject, list[int]]:
    """The network of the shared test data, and the numbers of `CLASSES`."""
    shared = Path(os.environ["TFXAI_TEST_DATA"])
    index = json.loads((shared / "data/imagenet_class_index.json").read_text())
    names = tuple(index[str(i)][1] for i in range(1000))
    model = keras.saving.load_model(shared / "models/efficientnet_lite0.keras")
    card = tfxai.Card(name="efficientnet_lite0", classes=names, preprocessing="none")
    return tfxai.Subject(model, card), [names.index(one) for one in CLASSES]


def proof(folder: Path) -> tuple[Table, list[int]]:
    """Which pictures hold, and how many by each way; they are written to the folder.

    A picture holds where its class is seen in it, after a blur and at half size, and is among the
    first `TOP` of a network that took no part.
    """
    subject, targets = imagenet()
    judge = second_network()
    table = Table(title=f"Of {len(targets)} classes, seen with p >= 0.5")
    for heading in (
        "way",
        "in the picture",
        "after blur 1.5",
        "at half size",
        f"top {TOP} of a second network",
        "in all",
        "seconds",
    ):
        table.add_column(heading)
    folder.mkdir(parents=True, exist_ok=True)
    held = []
    for number, (name, options) in enumerate(WAYS.items()):
        begun = time.perf_counter()
        asked = ActivationMaximisation([ClassLogit(one) for one in targets], **options)
        found = asked(subject, progress=True)
        trust = found.trust
        if trust is None:
            raise SystemExit("The network gives no probabilities.")
        seen = [trust.probability, trust.after_blur, trust.after_half_size]
        counts = [str(int((one >= 0.5).sum())) for one in seen]
        ranked = np.argsort(-judge.predict(fitted(found.pictures), verbose=0), axis=1)
        is_known = (ranked[:, :TOP] == np.array(targets)[:, None]).any(axis=1)
        counts.append(str(int(is_known.sum())))
        held.append(int((trust.holds & is_known).sum()))
        seconds = f"{time.perf_counter() - begun:.0f}"
        table.add_row(name, *counts, str(held[-1]), seconds)
        found.plot(folder / f"features-{number}.png", name)
        (folder / f"features-{number}.json").write_text(json.dumps(found.to_dict(), indent=1))
    return table, held


def times() -> Table:
    """A step over the bare pass of the same pictures, and 32 objectives over 32 runs."""
    subject = tfxai.load("cifar10_resnet18w16")
    task = PictureModel.of(subject)
    table = Table(title="cifar10_resnet18w16")
    for heading in ("what", "ms", "beside", "ms", "ratio (least to most)"):
        table.add_column(heading)
    objectives = [ClassLogit(i % 10) for i in range(32)]
    groups = groups_of(objectives)
    weights = Weights(task.structure, subject.classes).of(objectives, groups)
    bare = bare_pass(subject.model, 0)
    x = tf.random.uniform((32, *task.shape))
    for name, moves in (("plain", None), ("with transformations", Transformations())):
        climb = Climb(task, Fourier(), moves, (), groups, 1, 0.0, 0.05, False)
        numbers = start(climb, 32, 0)

        def step(climb: Climb = climb, numbers: Any = numbers) -> None:
            list(climbed(subject.model, climb, numbers, weights, 4, 0))

        def passes() -> None:
            for _ in range(4):
                bare(x).numpy()

        taken = interleaved({"own": step, "bare": passes}, 9)
        own, beside = taken["own"], taken["bare"]
        middle, least, most = ratio(own, beside)
        table.add_row(
            f"4 steps of 32 pictures, {name}", milliseconds(own), "4 bare passes of 32",
            milliseconds(beside), f"{middle:.2f} ({least:.2f} to {most:.2f})",
        )  # fmt: skip
    layer = _layer(task)
    channels = [Channel(layer, i) for i in range(32)]
    asked = [ActivationMaximisation(one, steps=8) for one in channels]
    whole = ActivationMaximisation(channels, steps=8)
    taken = interleaved(
        {"whole": lambda: whole(subject), "alone": lambda: [one(subject) for one in asked]}, 3
    )
    together, alone = taken["whole"], taken["alone"]
    middle, least, most = ratio(alone, together)
    table.add_row(
        "32 objectives at once, 8 steps", milliseconds(together), "32 runs",
        milliseconds(alone), f"{middle:.2f} ({least:.2f} to {most:.2f})",
    )  # fmt: skip
    return table


def _layer(task: PictureModel) -> str:
    """The last layer of maps with at least 32 channels."""
    shapes = {call.path: call.shape for call in task.structure.calls if call.shape}
    return [path for path, shape in shapes.items() if len(shape) == 3 and (shape[-1] or 0) >= 32][
        -1
    ]


def main() -> None:
    """Prints what is asked for."""
    warnings.simplefilter("ignore", TfxaiWarning)
    console = Console(width=140)
    if sys.argv[1:] == ["times"]:
        console.print(times())
    else:
        table, (plain, robust) = proof(Path("out"))
        console.print(table)
        if plain or robust < LEAST:
            raise SystemExit(f"{plain} and {robust} hold; 0 and at least {LEAST} were expected.")


if __name__ == "__main__":
    main()
