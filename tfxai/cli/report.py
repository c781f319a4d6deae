"""`tfxai report`: explanations of images as a page of one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments, explain
from tfxai.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from tfxai.cli.sources import Source

METHODS = ("integrated_gradients", "grad_cam", "occlusion")

Data = Annotated[
    str | None,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="In the place of IMAGE: the test images of CIFAR-10, or a folder of images, better "
        "of a folder per class.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="Most images of --data, evenly spaced.")]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The page, which ends in .html.")]
Metrics = Annotated[
    list[str],
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Also measure the methods on these images, beside controls, as tfxai evaluate does. "
        "May be repeated.",
        show_default=False,
    ),
]
Fills = Annotated[
    list[str],
    typer.Option(
        "--fill",
        metavar="WORD",
        help="What shows where a metric hides something, as for tfxai evaluate. May be repeated.",
        show_default=False,
    ),
]
Sanity = Annotated[
    bool,
    typer.Option(
        "--sanity", help="Also check whether the maps follow the model, as tfxai sanity does."
    ),
]


def report(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: arguments.Images = [],  # noqa: B006 - typer copies it
    data: Data = None,
    limit: Limit = 20,
    method: explain.Methods = list(METHODS),  # noqa: B006 - typer copies it
    option: explain.Options = [],  # noqa: B006 - typer copies it
    layer: explain.Layer = None,
    target: explain.Target = None,
    score: explain.Score = None,
    contrast: explain.Contrast = None,
    metric: Metrics = [],  # noqa: B006 - typer copies it
    fill: Fills = [],  # noqa: B006 - typer copies it
    sanity: Sanity = False,
    out: Out = Path("out/report.html"),
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
) -> None:
    """Write one HTML file about images: what a model says, why, and what made each map."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.evaluate import check_words, read_fill_word
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods, read_score, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.sources import find_sources
    from tfxai.cli.terminal import say, shown

    _check(out, fill, metric)
    bad = BadFiles(skip=skip_bad)
    if bool(images) == (data is not None):
        came = "IMAGE and --data came" if images else "Nothing came to explain"
        raise InvalidInputError(f"{came}. Pass images, or --data cifar10 or a folder.")
    sources = evenly_spaced(data, limit, bad) if data else find_sources(images, seed, bad)
    start()
    chosen = pick_methods(method, option, layer)
    check_words(metric, fill)
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    batch = as_batch(sources, classifier)
    from tfxai.reporting import report as explained

    subject, wanted = classifier.subject, read_target(target)
    page = explained(
        subject,
        batch,
        chosen,
        target=wanted,
        score=read_score(score, contrast, target),
        names=[source.name for source in sources],
        labels=_labels(sources),
        evaluation=_measured(
            subject, batch, chosen, metric, fills=list(map(read_fill_word, fill)), target=wanted
        ),
        sanity=_checked(subject, batch, chosen) if sanity else (),
    )
    say(shown(str(page.save(out))))
    bad.finish(len(sources))


def _check(out: Path, fills: Sequence[str], metrics: Sequence[str]) -> None:
    """Refuses what cannot be written or measured, before anything is computed."""
    from importlib.util import find_spec

    from tfxai.cli.writing import check_file

    if find_spec("jinja2") is None:
        raise MissingExtraError.of("jinja2", "report")
    if out.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"--out {out} was expected to end in .html. Rename it.")
    if fills and not metrics:
        raise InvalidInputError("--fill came without --metric. Name what is measured with it.")
    check_file(out)


def _labels(sources: Sequence[Source]) -> list[str] | None:
    found = [source.label or "" for source in sources]
    return found if any(found) else None


def _measured(subject: Any, batch: Any, methods: Any, metrics: Sequence[str], **asked: Any) -> Any:
    if not metrics:
        return None
    from tfxai.metrics import evaluate

    asked["fills"] = asked["fills"] or None
    return evaluate(subject, batch, methods, metrics, **asked)


def _checked(subject: Any, batch: Any, methods: Any) -> list[Any]:
    from tfxai.sanity import ParameterRandomisation

    check = ParameterRandomisation()
    return [check(subject, batch, one) for one in methods]
