"""`tfxai compare`: several methods side by side on several images, in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfxai.cli import arguments, explain
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.cli.explained import ExplainedImage
    from tfxai.cli.sources import Source

METHODS = ("grad_cam", "grad_cam_pp", "score_cam")
Save = Annotated[
    Path,
    typer.Option(metavar="FIGURE", help="File of the figure: .png, .pdf, .svg, .jpg or .webp."),
]


def compare(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: arguments.Images,
    method: explain.Methods = list(METHODS),  # noqa: B006 - typer copies it
    option: explain.Options = [],  # noqa: B006 - typer copies it
    target: explain.Target = None,
    score: explain.Score = None,
    contrast: explain.Contrast = None,
    true_label: explain.TrueLabel = False,
    layer: explain.Layer = None,
    save: Save = Path("out/compare.png"),
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Draw several methods side by side, a row for each image: three CAMs if none is named."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.explaining import Request, explain_images, explanation_record, remark_on_values
    from tfxai.cli.image_classifier import announce_sizes, open_classifier
    from tfxai.cli.picking import pick_methods, read_score, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.sources import find_sources
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown
    from tfxai.cli.true_labels import refuse_other_targets, true_targets
    from tfxai.plotting import plot_comparison

    if true_label:
        refuse_other_targets(target, contrast)
    bad = BadFiles(skip=skip_bad)
    sources = find_sources(images, seed, bad)
    _check(save, sources)
    start()
    chosen = tuple(pick_methods(method, option, layer))
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    own = true_targets(sources, classifier) if true_label else None
    asked = read_score(score, contrast, target)
    request = Request(chosen, read_target(target), asked, own_targets=own)
    explained = list(explain_images(classifier, sources, request, bad))
    columns = [[one.attributions[i] for one in explained] for i in range(len(chosen))]
    if explained:
        plot_comparison(columns, names=[_name(one.source) for one in explained], path=save)
    announce_sizes(classifier, sources)
    for one in explained:
        remark_on_values(one)
    if as_json:
        records = [explanation_record(model, one, classifier) for one in explained]
        print_json({"figure": str(save) if explained else None, "images": records})
    elif explained:
        print_laid_out(_table(explained))
        say()
        say(shown(str(save)))
    bad.finish(len(explained))


def _check(path: Path, sources: Sequence[Source]) -> None:
    """Refuses a figure that cannot be drawn or written, before anything is computed."""
    from tfxai.cli.writing import check_file
    from tfxai.plotting.comparison import MOST
    from tfxai.plotting.figures import format_of

    format_of(path)
    check_file(path, sources)
    if len(sources) > MOST:
        raise InvalidInputError(
            f"{len(sources)} images are too many for one figure. Pass {MOST} or fewer, or use "
            "tfxai explain, which draws a figure of each."
        )


def _name(source: Source) -> str:
    """What the figure calls an image."""
    from tfxai.cli.terminal import shown

    return shown(source.name + (f"\nlabelled {source.label}" if source.label else ""))


def _table(explained: Sequence[ExplainedImage]) -> Table:
    """One line for each image: which class the methods explain, and how sure the model is."""
    from tfxai.cli.terminal import shown, table

    made = table("Image", "Labelled", "Explained", "Probability", right=(3,))
    for one in explained:
        first = one.attributions[0]
        sure = "" if first.probability is None else f"{float(first.probability[0]):.1%}"
        words = (one.source.name, one.source.label or "", first.target_names[0])
        made.add_row(*map(shown, words), sure)
    return made
