"""How far TCAV can be believed: the measured part of docs/concepts.md.

Random concepts, which should fail; a planted one, which should be found; drawn patterns on classes
of CIFAR-10; and what kept activations save.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tfxai
from benchmarks.pages import replaced
from tests.concepts import planted
from tfxai.concepts import TCAV, Concept, TCAVResult
from tfxai.concepts.patterns import pattern
from tfxai.data import load_cifar10
from tfxai.data.cifar10 import CLASSES

PAGE = Path(__file__).parents[1] / "docs" / "concepts.md"
LAYER = "MaxPool_Block3"
PATTERNS = ("stripes", "dots", "checks", "zigzags", "red", "green", "blue")
SHOWN = ("Frog", "Automobile", "Airplane", "Cat")
NETWORKS = 20


def main() -> None:
    """Measures, prints and writes the page."""
    subject = tfxai.load("cifar10_cnn")
    images, labels = load_cifar10("test")
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], labels[order]
    lines = []
    for line in measured(subject, images, labels):
        print(line, flush=True)
        lines.append(line)
    text = "\n".join(lines)
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "measured", text), encoding="utf-8")


def measured(subject: tfxai.Subject, images: np.ndarray, labels: np.ndarray) -> Iterator[str]:
    """The lines of the page, one after the other."""
    yield random_concepts(subject, images, labels)
    yield kept_activations(subject, images, labels)
    yield planted_concepts()
    yield ""
    yield from table(subject, images, labels)


def random_concepts(subject: tfxai.Subject, images: np.ndarray, labels: np.ndarray) -> str:
    """The share of 200 random concepts of 20 images that are called significant."""
    p_values = []
    pool, rest = images[:2000], images[2000:6000].reshape(10, 20, 20, *images.shape[1:])
    asked = subject, of_class(images, labels, "Frog"), "Frog"
    with tempfile.TemporaryDirectory() as folder:
        for run, group in enumerate(rest):
            test = TCAV(
                layers=LAYER,
                concepts=[Concept(str(i), one) for i, one in enumerate(group)],
                randoms=pool,
                seed=run,
            )
            found = test(*asked, cache=folder, progress=False)
            p_values += [row.p_value for row in found]
    share = np.mean(np.array(p_values) <= 0.05)
    return (
        f"- Of {len(p_values)} random concepts of 20 test images, {share:.1%} have p at most 0.05 "
        f"(`cifar10_cnn`, `{LAYER}`, Frog)."
    )


def planted_concepts() -> str:
    """In how many small networks a red patch that decides the class is found with its sign."""
    found, others = 0, 0
    for seed in range(NETWORKS):
        model = planted.trained(seed)
        concepts = {
            "patch": planted.surfaces(30, 1000 + seed, 1.0)[0],
            "nothing": planted.surfaces(30, 2000 + seed, 0.0)[0],
        }
        test = TCAV(
            layers="conv2",
            concepts=concepts,
            randoms=planted.surfaces(900, 3000 + seed, 0.0)[0],
            pooled=True,
            seed=seed,
        )
        result = test(model, planted.surfaces(60, 4000 + seed, 1.0)[0], 1, progress=False)
        patch, nothing = result.rows
        found += result.is_significant(patch) and patch.score > 0.5 and patch.magnitude > 0
        others += result.is_significant(nothing)
    return (
        f"- A red patch that decides the class is found, with its sign, in {found} of {NETWORKS} "
        f"small networks trained on it; a concept without one in {others}."
    )


def kept_activations(subject: tfxai.Subject, images: np.ndarray, labels: np.ndarray) -> str:
    """Seconds of a test without kept activations, and with them."""
    test = TCAV(layers=LAYER, concepts=[pattern("stripes", 50, 32, 0)], randoms=images[:2000])
    asked = subject, of_class(images, labels, "Frog"), "Frog"
    test(*asked, progress=False)  # compiles
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            start = time.perf_counter()
            test(*asked, cache=folder, progress=False)
            seconds.append(time.perf_counter() - start)
    return (
        f"- A test of 50 drawn and 2,000 random images takes {seconds[0]:.1f} s, and "
        f"{seconds[1]:.1f} s with the activations of an earlier run (`cache=`); the rest are the "
        "fits of 199 random concepts."
    )


def table(subject: tfxai.Subject, images: np.ndarray, labels: np.ndarray) -> Iterator[str]:
    """A row for each pattern, and a column for each class."""
    results = [patterns(subject, images, labels, name) for name in SHOWN]
    yield f"| concept | accuracy | {' | '.join(SHOWN)} |"
    yield f"|---|---|{'---|' * len(SHOWN)}"
    for place, name in enumerate(PATTERNS):
        rows = [result.rows[place] for result in results]
        cells = [
            f"{row.score:.2f} (p {row.adjusted:.2g})"
            + ("" if result.is_significant(row) else ", fails")
            for row, result in zip(rows, results, strict=True)
        ]
        yield f"| {name} | {rows[0].accuracy:.2f} | {' | '.join(cells)} |"


def patterns(
    subject: tfxai.Subject, images: np.ndarray, labels: np.ndarray, name: str
) -> TCAVResult:
    """The drawn patterns and colours on a class."""
    test = TCAV(
        layers=LAYER,
        concepts=[pattern(one, 50, 32, 0) for one in PATTERNS],
        randoms=images[:2000],
        draws=399,
    )
    return test(subject, of_class(images, labels, name), name, progress=False)


def of_class(images: np.ndarray, labels: np.ndarray, name: str) -> np.ndarray:
    """100 images of a class."""
    return images[labels.ravel() == CLASSES.index(name)][:100]


if __name__ == "__main__":
    main()
