"""`tfxai sanity`: which methods follow the model, and which only the image."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments, explain
from tfxai.cli.data_images import CIFAR10
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.sanity import SanityCheck, SanityResult

METHODS = ("saliency", "gradient_input", "integrated_gradients", "guided_backprop", "grad_cam")
CHECKS = ("parameters", "independent", "logit", "labels")
COLUMNS = ("method", "step", "changed", "spearman", "ssim", "entropy_rise")

Check = Annotated[
    str,
    typer.Option(
        metavar="|".join(CHECKS),
        help="What is thrown away. parameters: weights, from the output down; independent: those "
        "of one layer at a time; logit: the class, for another one; labels: what the training "
        "data said, by --shuffled.",
    ),
]
Shuffled = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="A model that was trained on shuffled labels, for --check labels.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, help="Use that many images, evenly spaced.")]
Steps = Annotated[
    int,
    typer.Option(min=1, help="Most points of the curve; layers are taken together for it."),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Mean rank correlation, in (0, 1), that a method stays below to pass; 0.5 if left "
        "out, 0.75 for --check logit.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Also write a line for each step.", show_default=False
    ),
]


def sanity(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    data: arguments.Data = CIFAR10,
    limit: Limit = 16,
    method: explain.Methods = list(METHODS),  # noqa: B006 - typer copies it
    option: explain.Options = [],  # noqa: B006 - typer copies it
    layer: explain.Layer = None,
    check: Check = "parameters",
    shuffled: Shuffled = None,
    steps: Steps = 12,
    threshold: Threshold = None,
    seed: Seed = 0,
    save: arguments.Figure = Path("out/sanity.png"),
    csv_file: Csv = None,
    preprocessing: arguments.Preprocessing = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Check whether maps follow the model: draw how alike they stay when it is randomised."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, working
    from tfxai.cli.writing import check_file
    from tfxai.plotting import plot_sanity

    _check_words(check, shuffled, save, csv_file)
    bad = BadFiles(skip=skip_bad)
    sources = evenly_spaced(data, limit, bad)
    check_file(save, sources)
    start()
    chosen = pick_methods(method, option, layer)
    made = _made(check, steps, threshold, seed)
    classifier = open_classifier(model, preprocessing, None, resize, trust=trust, modules=modules)
    other = None
    if shuffled is not None:
        other = open_classifier(shuffled, preprocessing, None, resize, trust=trust).subject
    images = as_batch(sources, classifier)
    results = []
    for one in chosen:
        with working(f"Checking {one.name}"):
            results.append(made(classifier.subject, images, one, shuffled=other, progress=False))
    plot_sanity(results, save, f"Do maps follow the model? {made.name} of {model}")
    if csv_file is not None:
        write_steps(csv_file, results)
    if as_json:
        about = {"model": model, "data": data, "images": len(images), "figure": str(save)}
        print_json({**about, "results": [one.to_dict() for one in results]})
    else:
        _say(results, [save, *([csv_file] if csv_file else [])])
    bad.finish(len(images))


def _check_words(check: str, shuffled: str | None, save: Path, csv_file: Path | None) -> None:
    """Refuses words that do not go together and files that cannot be written."""
    from tfxai.cli.writing import check_file
    from tfxai.plotting.figures import format_of

    if check not in CHECKS:
        raise UnknownNameError.of("check", check, CHECKS)
    if (check == "labels") != (shuffled is not None):
        came = "came without" if shuffled is None else f"is {check!r} and came with"
        raise InvalidInputError(
            f"--check {came} --shuffled MODEL. A model that was trained on shuffled labels "
            "belongs to --check labels, and to no other."
        )
    format_of(save)
    for path in filter(None, (save, csv_file)):
        check_file(path)


def _made(check: str, steps: int, threshold: float | None, seed: int) -> SanityCheck:
    from tfxai.sanity import DataRandomisation, ParameterRandomisation, RandomLogit

    own: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    if check == "logit":
        return RandomLogit(seed=seed, **own)
    if check == "labels":
        return DataRandomisation(**own)
    order = "cascading" if check == "parameters" else "independent"
    return ParameterRandomisation(order=order, most_steps=steps, seed=seed, **own)


def write_steps(path: Path, results: Sequence[SanityResult]) -> None:
    """Writes a line for each method and step; what is not known is left empty.

    Raises:
        OutputError: The file cannot be written.
    """
    from tfxai.files import replacing

    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in results:
            record = one.to_dict()
            for number, step in enumerate(record["steps"], 1):
                about: dict[str, Any] = {"method": one.method["name"], "step": number}
                changed = step.pop("step")
                writer.writerow({**about, "changed": changed, **step})


def _say(results: Sequence[SanityResult], files: Sequence[Path]) -> None:
    from tfxai.cli.terminal import print_laid_out, say, shown

    if results[0].has_verdict:
        print_laid_out(_table(results))
        say()
    for one in results:
        say(shown(f"{one.verdict}."))
    say()
    for path in files:
        say(shown(str(path)))


def _table(results: Sequence[SanityResult]) -> Table:
    """The mean over the steps, and what was found after the last."""
    from tfxai.cli.terminal import shown, table

    headings = (
        "Method",
        "Mean rank correlation",
        "95 %",
        "SSIM, end",
        "Entropy rise, end",
        "Passes",
    )
    made = table(*headings, right=(1, 2, 3, 4))
    for one in results:
        record = one.to_dict()
        last = record["steps"][-1]
        low, high = record["interval"]
        made.add_row(
            shown(one.method["name"]),
            f"{record['mean_rank_correlation']:.2f}",
            "" if low is None else f"{low:.2f} to {high:.2f}",
            "" if last["ssim"] is None else f"{last['ssim']:.2f}",
            "" if last["entropy_rise"] is None else f"{last['entropy_rise']:+.0%}",
            {True: "yes", False: "no", None: ""}[one.passes],
        )
    return made
