"""`tfxai evaluate`: which method to believe on one's own model and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments, explain
from tfxai.cli.data_images import CIFAR10
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.cli.bad_files import BadFiles
    from tfxai.metrics.evaluation import Column, Evaluation
    from tfxai.subject import Subject

METHODS = ("saliency", "gradient_input", "integrated_gradients", "smooth_grad", "occlusion")

Limit = Annotated[
    int,
    typer.Option(
        min=2, help="Use only that many images, texts or rows, evenly spaced; at least 2."
    ),
]
Metrics = Annotated[
    list[str],
    typer.Option(
        "--metric",
        metavar="NAME",
        help="srg, deletion, insertion, road, mu_fidelity, infidelity, average_drop, "
        "sensitivity_max, sparseness, entropy, completeness or grid_pointing. May be repeated.",
    ),
]
Fills = Annotated[
    list[str],
    typer.Option(
        "--fill",
        metavar="NAME",
        help="What shows where a metric hides something: mean, blur, black, noise, road (made of "
        "the neighbours) or a number in the model's units; blur, mean and road if left out. May "
        "be repeated.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random map and of the statistics.")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write the table to it too.", show_default=False),
]
Recommend = Annotated[
    bool,
    typer.Option(
        "--recommend",
        help="Name the cheapest method that no metric shows to be worse than the best.",
    ),
]


Data = Annotated[
    str | None,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="The test images of CIFAR-10, or a folder of images or of class folders; cifar10 if "
        "nothing else came.",
        show_default=False,
    ),
]
Texts = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file with a text on each line instead of images, for a model that takes texts: "
        "metrics leave out tokens. - is standard input.",
        show_default=False,
    ),
]
Rows = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Rows of a table in a CSV file instead of images, for a model that takes a table.",
        show_default=False,
    ),
]
Drop = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="Leave out a column of --rows, such as the label. May be repeated.",
        show_default=False,
    ),
]


def evaluate(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    data: Data = None,
    texts: Texts = None,
    rows: Rows = None,
    drop: Drop = [],  # noqa: B006 - typer copies it
    limit: Limit = 50,
    method: explain.Methods = list(METHODS),  # noqa: B006 - typer copies it
    option: explain.Options = [],  # noqa: B006 - typer copies it
    metric: Metrics = ["srg"],  # noqa: B006 - typer copies it
    fill: Fills = [],  # noqa: B006 - typer copies it
    target: explain.Target = None,
    layer: explain.Layer = None,
    seed: Seed = 0,
    recommend: Recommend = False,
    save: arguments.Figure = Path("out/evaluate.png"),
    csv: Csv = None,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Measure how far each method may be believed on a model and images, beside controls.

    Of texts with --texts FILE, of a table with --rows FILE.
    """
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json
    from tfxai.cli.writing import check_file

    of_images = {"--preprocessing": preprocessing, "--resize": resize}
    _check_kinds(data, texts, rows, drop, {**of_images, "--skip-bad": skip_bad})
    _check_files(save, csv)
    bad = BadFiles(skip=skip_bad)
    start()
    how: dict[str, Any] = {"classes": classes, "trust": trust, "modules": modules}
    chosen = pick_methods(method, option, layer)
    check_words(metric, fill)
    if texts is not None:
        subject, inputs = _texts(model, texts, limit, **how)
    elif rows is not None:
        subject, inputs = _rows(model, rows, limit, drop, bad, **how)
    else:
        sources = evenly_spaced(data or CIFAR10, limit, bad)
        check_file(save, sources)
        classifier = open_classifier(model, preprocessing, resize=resize, **how)
        subject, inputs = classifier.subject, as_batch(sources, classifier)
    from tfxai.metrics import evaluate as measure

    found = measure(
        subject,
        inputs,
        chosen,
        metric,
        fills=list(map(read_fill_word, fill)) or None,
        target=read_target(target),
        seed=seed,
    )
    found.plot(save)
    if csv is not None:
        found.save(csv)
    if as_json:
        files = {"figure": str(save), "csv": None if csv is None else str(csv)}
        of = str(texts or rows or data or CIFAR10)
        print_json({"model": model, "data": of, **found.to_json(), "files": files})
    else:
        _show(found, recommend=recommend)
        _name_files([save, *([csv] if csv is not None else [])])
    bad.finish(found.count)


def _check_kinds(
    data: str | None,
    texts: str | None,
    rows: Path | None,
    drop: Sequence[str],
    of_images: Mapping[str, Any],
) -> None:
    """Raises where words about images, texts and tables came together."""
    came = {"--data": data, "--texts": texts, "--rows": rows}
    named = [word for word, given in came.items() if given is not None]
    if len(named) > 1:
        raise InvalidInputError(
            f"{named[0]} and {named[1]} came, and one says what to measure on. Leave one out."
        )
    if drop and rows is None:
        raise InvalidInputError(
            "--drop is about a table, and no table came. Pass --rows FILE too."
        )
    strange = [word for word, given in of_images.items() if given]
    if strange and named and data is None:
        raise InvalidInputError(
            f"{strange[0]} is about images, and {named[0]} came. Leave one of the two out."
        )


def _texts(model: str, file: str, limit: int, **how: Any) -> tuple[Subject, list[str]]:
    """A model of texts, and at most `limit` lines of the file, evenly spaced."""
    import numpy as np

    from tfxai.cli.texts import open_reader, read_texts

    lines = read_texts([], file)
    places = np.linspace(0, len(lines) - 1, min(limit, len(lines))).round()
    return open_reader(model, **how), [lines[int(i)] for i in places]


def _rows(
    model: str, path: Path, limit: int, drop: Sequence[str], bad: BadFiles, **how: Any
) -> tuple[Subject, Any]:
    """A model of tables, and at most `limit` rows of the file, evenly spaced."""
    from tfxai.cli.table_classifier import open_table_classifier
    from tfxai.cli.table_rows import spaced_rows

    found = spaced_rows(path, limit, drop, bad)
    classifier = open_table_classifier(model, found, **how)
    return classifier.subject, classifier.together([classifier.read(one) for one in found])


def _check_files(save: Path, csv: Path | None) -> None:
    """Refuses files that cannot be written, before anything is computed."""
    from tfxai.cli.writing import check_file
    from tfxai.plotting.figures import format_of

    format_of(save)
    if csv is not None and csv.suffix.lower() != ".csv":
        raise InvalidInputError(f"--csv {csv} was expected to end in .csv. Rename it.")
    for path in filter(None, (save, csv)):
        check_file(path)


def check_words(metrics: Sequence[str], fills: Sequence[str]) -> None:
    """Raises where there is no such metric or fill, before a model is loaded."""
    from tfxai.metrics.catalogue import metric_of
    from tfxai.metrics.fills import read_fill

    for word in fills:
        read_fill("fill", read_fill_word(word))
    for name in metrics:
        if hasattr(metric_of(name), "fill"):
            for word in fills:
                metric_of(name, fill=read_fill_word(word))


def read_fill_word(word: str) -> Any:
    """A fill from its word: None, a number, or the word itself."""
    if word.lower() == "none":
        return None
    try:
        return float(word)
    except ValueError:
        return word


def _show(found: Evaluation, *, recommend: bool) -> None:
    from tfxai.cli.terminal import print_laid_out, remark, say, shown

    for column in found.columns:
        say(shown(column.title + (" (unfit)" if column.is_unfit else "")), style="bold")
        print_laid_out(_table(column, found))
        say()
    for sentence in found.warnings():
        remark(sentence)
    of: dict[str, list[str]] = {}  # what holds for several methods is said once
    for label, sentences in found.remarks.items():
        for sentence in sentences:
            of.setdefault(sentence, []).append(label)
    for sentence, several in of.items():
        remark(f"{', '.join(several)}: {sentence}")
    if recommend:
        say(shown(found.recommendation()[1]))
    say()


def _table(column: Column, found: Evaluation) -> Table:
    """The methods and controls of a column, the best first."""
    from tfxai.cli.terminal import shown, table

    controls = [f"Over {name}" for name in found.controls]
    headings = ["Method", "Mean", "95 %", *controls, "Time"]
    made = table(*headings, right=tuple(range(1, len(headings))))
    for label in column.ranking((*found.methods, *found.controls)):
        one = column.measurements[label]
        low, high = one.interval(seed=found.seed)
        gains = [column.gain(control, label) for control in found.controls]
        name = f"({label})" if label in found.controls else label
        span = f"{low:.3g} to {high:.3g}"
        time = f"{1000 * found.seconds[label]:.1f} ms"
        made.add_row(shown(name), f"{one.mean:.3g}", span, *gains, time)
    return made


def _name_files(paths: Sequence[Path]) -> None:
    from tfxai.cli.terminal import say, shown

    say("* better than the control, at 5 % after Holm's correction over methods")
    for path in paths:
        say(shown(str(path)))
