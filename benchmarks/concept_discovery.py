"""What the discovery of concepts finds: a measured part of docs/concepts.md.

A patch that decides the class of small networks, which should be among the first concepts; and how
many concepts of classes of CIFAR-10 come back in a second run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tfxai
from benchmarks.pages import replaced
from tests.concepts import planted
from tfxai.concepts import ConceptDiscovery, DiscoveredConcept
from tfxai.data import load_cifar10
from tfxai.data.cifar10 import CLASSES

PAGE = Path(__file__).parents[1] / "docs" / "concepts.md"
SHOWN = ("Frog", "Automobile", "Airplane", "Cat")
NETWORKS, FIRST = 20, 3


def main() -> None:
    """Measures, prints and writes the page."""
    lines = []
    for line in (planted_patches(), "", *classes()):
        print(line, flush=True)
        lines.append(line)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(page, "discovered", "\n".join(lines)), encoding="utf-8")


def planted_patches() -> str:
    """In how many small networks the patch is among the first concepts."""
    places = []
    for seed in range(NETWORKS):
        discovery = ConceptDiscovery(layer="conv2", concepts=6, crop=0.4, seed=seed)
        images = planted.surfaces(60, 4000 + seed, 1.0)[0]
        found = discovery(planted.trained(seed), images, 1, progress=False)
        places.append(next((row.number for row in found if is_red(row)), len(found)))
    first = sum(place == 0 for place in places)
    among = sum(place < FIRST for place in places)
    return (
        f"- A red patch that decides the class is the first concept of {first} of {NETWORKS} "
        f"small networks trained on it, and among the first {FIRST} of {among}."
    )


def is_red(concept: DiscoveredConcept) -> bool:
    """Whether every crop of a concept is red on the whole, and the score rests on it."""
    colours = np.asarray(concept.crops).mean(axis=(1, 2))
    return bool((colours[:, 0] - colours[:, 1:].max(axis=1)).min() > 0.25 and concept.drop > 0)


def classes() -> Iterator[str]:
    """A row for each class of CIFAR-10."""
    subject = tfxai.load("cifar10_cnn")
    images, labels = load_cifar10("test")
    yield "| class | come back | importance of the first three | in no concept | seconds |"
    yield "|---|---|---|---|---|"
    for name in SHOWN:
        of_class = images[labels.ravel() == CLASSES.index(name)][:100]
        start = time.perf_counter()
        found = ConceptDiscovery(crop=0.4)(subject, of_class, name, progress=False)
        seconds = time.perf_counter() - start
        back = sum(row.comes_back for row in found)
        first = ", ".join(f"{row.importance:.2f}" for row in list(found)[:3])
        cells = (
            name,
            f"{back} of {len(found)}",
            first,
            f"{found.left_over:.0%}",
            f"{seconds:.0f}",
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
