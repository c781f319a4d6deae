"""`tfxai predict`: what a model says of an image or a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfxai.cli import arguments
from tfxai.cli.table_rows import CsvRow

if TYPE_CHECKING:
    from tfxai.cli.classifier import Classifier, Rank
    from tfxai.cli.sources import Source
    from tfxai.subject import Subject


def predict(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: arguments.Images = [],  # noqa: B006 - typer copies it
    text: arguments.Text = [],  # noqa: B006 - typer copies it
    texts: arguments.Texts = None,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Print the five most probable classes of each image or text."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.classifier import by_batches
    from tfxai.cli.image_classifier import announce_sizes, open_classifier
    from tfxai.cli.sources import find_sources
    from tfxai.cli.terminal import print_json
    from tfxai.cli.texts import check_alone, open_reader, read_texts
    from tfxai.errors import InvalidInputError

    if text or texts is not None:
        others = {"IMAGE": images, "--preprocessing": preprocessing, "--resize": resize}
        check_alone({**others, "--seed": seed is not None, "--skip-bad": skip_bad})
        given = read_texts(text, texts)
        reader = open_reader(model, classes, trust=trust, modules=modules)
        _predict_texts(model, reader, given, as_json=as_json)
        return
    if not images:
        raise InvalidInputError(
            "Nothing came to classify. Pass an IMAGE; for a model of texts --text TEXT."
        )
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
            show_ranking_of(source, best, classifier)
    if as_json:
        print_json({"model": model, "images": records})
    bad.finish(used)


def _predict_texts(model: str, reader: Subject, texts: list[str], *, as_json: bool) -> None:
    """Prints the best classes of each text."""
    from tfxai.class_outputs import class_outputs
    from tfxai.cli.classifier import Rank
    from tfxai.cli.terminal import print_json, remark
    from tfxai.errors import UnsupportedModelError
    from tfxai.subject import Subject

    if reader.encoder is None:
        raise UnsupportedModelError(f"The model {model!r} takes no texts. Pass images.")
    encoded = reader.encoder.encode(texts)
    for note in encoded.notes:
        remark(note)
    found = class_outputs(Subject(reader.of_ids, reader.card), encoded.given())
    key, records = "probability" if found.are_probabilities else "output", []
    for one, row in zip(texts, found.values, strict=True):
        order = (-row).argsort(kind="stable")[:5]
        best = [Rank(int(i), found.name(int(i)), float(row[i])) for i in order]
        told = [{"class": rank.name, "index": rank.index, key: rank.value} for rank in best]
        records.append({"text": one, "predictions": told})
        if not as_json:
            has_names = found.names is not None
            show_ranking(one, best, is_probability=found.are_probabilities, has_names=has_names)
    if as_json:
        print_json({"model": model, "texts": records})


def about(source: Source) -> dict[str, Any]:
    """An image's name, and its class where that is known, or a table's row, for JSON."""
    if isinstance(source, CsvRow):
        return {"csv": str(source.path), "row": source.index}
    return {"image": source.name, "label": source.label}


def prediction_records(best: Sequence[Rank], classifier: Classifier) -> list[dict[str, Any]]:
    """The best classes for JSON."""
    key = "probability" if classifier.gives_probabilities else "output"
    return [{"class": rank.name, "index": rank.index, key: rank.value} for rank in best]


def show_ranking_of(source: Source, best: Sequence[Rank], classifier: Classifier) -> None:
    """Prints the best classes of one image or row as a table, a blank line after it."""
    label = f" (labelled {source.label})" if source.label else ""
    is_probability, has_names = classifier.gives_probabilities, bool(classifier.subject.classes)
    title = f"{source.name}{label}"
    show_ranking(title, best, is_probability=is_probability, has_names=has_names)


def show_ranking(
    title: str, best: Sequence[Rank], *, is_probability: bool, has_names: bool
) -> None:
    """Prints the best classes as a table, a blank line after it."""
    from tfxai.cli.terminal import bar, print_laid_out, say, shown, table

    say(shown(title), style="bold")
    if is_probability:
        headings = ("Class", "Probability")
    else:
        headings = ("Class", "Output") if has_names else ("Output", "Value")
    made = table(*headings, "", right=(1,))
    for rank in best:
        if is_probability:
            made.add_row(shown(rank.name), f"{rank.value:.1%}", bar(rank.value))
        else:
            made.add_row(shown(rank.name), f"{rank.value:.4g}", "")
    print_laid_out(made)
    say()
