"""`tfxai evaluate`: which method to believe on one's own model and images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments, explain
from tfxai.cli.data_images import CIFAR10
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.metrics.evaluation import Column, Evaluation

METHODS = ("saliency", "gradient_input", "integrated_gradients", "smooth_grad", "occlusion")

Limit = Annotated[
    int, typer.Option(min=2, help="Use only that many images, evenly spaced; at least 2.")
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


def evaluate(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    data: arguments.Data = CIFAR10,
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
    """Measure how far each method may be believed on a model and images, beside controls."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json
    from tfxai.cli.writing import check_file

    _check_files(save, csv)
    bad = BadFiles(skip=skip_bad)
    sources = evenly_spaced(data, limit, bad)
    check_file(save, sources)
    start()
    chosen = pick_methods(method, option, layer)
    check_words(metric, fill)
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    images = as_batch(sources, classifier)
    from tfxai.metrics import evaluate as measure

    found = measure(
        classifier.subject,
        images,
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
        print_json({"model": model, "data": data, **found.to_json(), "files": files})
    else:
        _show(found, recommend=recommend)
        _name_files([save, *([csv] if csv is not None else [])])
    bad.finish(found.count)


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
    for label, sentences in found.remarks.items():
        for sentence in sentences:
            remark(f"{label}: {sentence}")
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
