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
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source
    from tfxai.methods import AttributionMethod

METHODS = ("grad_cam", "grad_cam_pp", "score_cam")
Save = Annotated[
    Path,
    typer.Option(metavar="FIGURE", help="File of the figure: .png, .pdf, .svg, .jpg or .webp."),
]


Others = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="MODEL",
        help="Another model, explained beside the first for the same class of each image. May be "
        "repeated.",
        show_default=False,
    ),
]


def compare(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: arguments.Images,
    others: Others = [],  # noqa: B006 - typer copies it
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
    """Draw several methods side by side, a row for each image: three CAMs if none is named.

    With --model OTHER several models: the class that the first one predicts, if none is named.
    """
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
    asks_nothing = target is None and contrast is None
    bad = BadFiles(skip=skip_bad)
    sources = find_sources(images, seed, bad)
    _check(save, sources)
    start()
    chosen = tuple(pick_methods(method, option, layer))
    asked = read_score(score, contrast, target)
    found: list[tuple[str, ImageClassifier, list[ExplainedImage]]] = []
    for name in (model, *others):
        classifier = open_classifier(
            name, preprocessing, classes, resize, trust=trust, modules=modules
        )
        own: dict[Source, int] | None = None
        if true_label:
            own = true_targets(sources, classifier)
        elif found and asks_nothing:
            own = _same_classes(found[0][2], classifier)
        request = Request(chosen, read_target(target), asked, own_targets=own)
        found.append((name, classifier, list(explain_images(classifier, sources, request, bad))))
        sources = [one.source for one in found[-1][2]]  # without those that are skipped
    found = [(name, of, _only(some, sources)) for name, of, some in found]
    explained = found[0][2]
    columns = [
        [one.attributions[i] for one in some] for _, _, some in found for i in range(len(chosen))
    ]
    if explained:
        headings = _headings([model, *others], chosen) if others else None
        names = [_name(one.source) for one in explained]
        plot_comparison(columns, names=names, headings=headings, path=save)
    announce_sizes(found[0][1], sources)
    for one in (one for _, _, some in found for one in some):
        remark_on_values(one)
    if as_json:
        records = [
            explanation_record(name, one, classifier)
            for name, classifier, some in found
            for one in some
        ]
        print_json({"figure": str(save) if explained else None, "images": records})
    elif explained:
        print_laid_out(_table([(name if others else "", some) for name, _, some in found]))
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


def _only(explained: Sequence[ExplainedImage], sources: Sequence[Source]) -> list[ExplainedImage]:
    """Those of the sources, which every model explained."""
    kept = set(sources)
    return [one for one in explained if one.source in kept]


def _same_classes(
    explained: Sequence[ExplainedImage], classifier: ImageClassifier
) -> dict[Source, int] | None:
    """The output of another model for the class that was explained of each image.

    Raises:
        UnknownNameError: The model has no such class.
    """
    from tfxai.cli.true_labels import class_number

    firsts = {one.source: one.attributions[0] for one in explained}
    if any(one.target.ndim > 1 or one.target[0] < 0 for one in firsts.values()):
        return None  # no output of several
    return {
        source: class_number(one.target_names[0], classifier) for source, one in firsts.items()
    }


def _headings(models: Sequence[str], methods: Sequence[AttributionMethod]) -> list[str]:
    """The name of each model, with the method where there are several."""
    from tfxai.plotting.labels import method_title

    names = [Path(name).stem for name in models]
    names = names if len(set(names)) == len(names) else list(models)
    if len(methods) == 1:
        return names
    return [f"{name}, {method_title(one.name)}" for name in names for one in methods]


def _table(found: Sequence[tuple[str, Sequence[ExplainedImage]]]) -> Table:
    """One line for each image and model: the class explained, and how sure the model is."""
    from tfxai.cli.explaining import target_words
    from tfxai.cli.terminal import shown, table

    models = [name for name, _ in found if name]
    firsts = [one.attributions[0] for _, some in found for one in some]
    is_number = all(first.probability is None for first in firsts)
    headings = ["Image", "Labelled", *(["Model"] if models else []), "Explained"]
    headings.append("Score" if is_number else "Probability")
    made = table(*headings, right=(len(headings) - 1,))
    for images in zip(*(some for _, some in found), strict=True):
        for (model, _), one in zip(found, images, strict=True):
            first = one.attributions[0]
            sure = "" if first.probability is None else f"{float(first.probability[0]):.1%}"
            sure = f"{float(first.score[0]):.4g}" if is_number else sure
            named = [model] if models else []
            words = (one.source.name, one.source.label or "", *named, target_words(first))
            made.add_row(*map(shown, words), sure)
    return made
