"""`tfxai predict`: what a model says an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfxai.cli import arguments
from tfxai.cli.table_rows import CsvRow

if TYPE_CHECKING:
    from tfxai.cli.classifier import Classifier, Rank
    from tfxai.cli.sources import Source


def predict(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: arguments.Images,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Print the five most probable classes of each image."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.classifier import by_batches
    from tfxai.cli.image_classifier import announce_sizes, open_classifier
    from tfxai.cli.sources import find_sources
    from tfxai.cli.terminal import print_json

    bad = BadFiles(skip=skip_bad)
    sources = find_sources(images, seed, bad)
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    announce_sizes(classifier, sources)

    def answer(some: Sequence[Source], batch: Any) -> list[list[Rank]]:
        return classifier.rank(batch, [source.name for source in some])

    records = []
    used = 0
    for source, best in by_batches(classifier, sources, answer, "Classifying", bad):
        used += 1
        if as_json:
            records.append({**about(source), "predictions": prediction_records(best, classifier)})
        else:
            show_ranking(source, best, classifier)
    if as_json:
        print_json({"model": model, "images": records})
    bad.finish(used)


def about(source: Source) -> dict[str, Any]:
    """An image's name, and its class where that is known, or a table's row, for JSON."""
    if isinstance(source, CsvRow):
        return {"csv": str(source.path), "row": source.index}
    return {"image": source.name, "label": source.label}


def prediction_records(best: Sequence[Rank], classifier: Classifier) -> list[dict[str, Any]]:
    """The best classes for JSON."""
    key = "probability" if classifier.gives_probabilities else "output"
    return [{"class": rank.name, "index": rank.index, key: rank.value} for rank in best]


def show_ranking(source: Source, best: Sequence[Rank], classifier: Classifier) -> None:
    """Prints the best classes of one image as a table, a blank line after it."""
    from tfxai.cli.terminal import bar, print_laid_out, say, shown, table

    label = f" (labelled {source.label})" if source.label else ""
    say(shown(f"{source.name}{label}"), style="bold")
    if classifier.gives_probabilities:
        headings = ("Class", "Probability")
    else:
        headings = ("Class", "Output") if classifier.subject.classes else ("Output", "Value")
    made = table(*headings, "", right=(1,))
    for rank in best:
        if classifier.gives_probabilities:
            made.add_row(shown(rank.name), f"{rank.value:.1%}", bar(rank.value))
        else:
            made.add_row(shown(rank.name), f"{rank.value:.4g}", "")
    print_laid_out(made)
    say()
