"""`tfxai explain`: why a model says what it says about an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tfxai.cli import arguments

Methods = Annotated[
    list[str],
    typer.Option("--method", "-m", metavar="NAME", help="See: tfxai methods. May be repeated."),
]
Options = Annotated[
    list[str],
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        help="An option of every chosen method that has it, such as steps=100, or of one of them: "
        "integrated_gradients.steps=100. May be repeated.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS",
        help="The class to explain, by name or number; the predicted one if left out.",
        show_default=False,
    ),
]
Score = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What is explained: logit, probability or output; the method's own if left out.",
        show_default=False,
    ),
]
Contrast = Annotated[
    tuple[str, str] | None,
    typer.Option(
        metavar="CLASS CLASS",
        help="Why the first class and not the second, by name or number, such as --contrast Cat "
        "Dog: the difference of their logits is explained.",
        show_default=False,
    ),
]
TrueLabel = Annotated[
    bool,
    typer.Option(
        "--true-label",
        help="Explain the class that each image is labelled with, by its class folder or by "
        "CIFAR-10, whatever the model predicts.",
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="The layer of methods that look at one, such as backbone/conv5.",
        show_default=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Explain this layer's output instead of the image.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where files go.")]
Formats = Annotated[
    list[str],
    typer.Option(
        "--format",
        metavar="png|npz|json|csv",
        help="png: a figure; npz or json: the raw values; csv: summary.csv, a line for each image "
        "and method. May be repeated.",
    ),
]


Text = Annotated[
    list[str],
    typer.Option(
        metavar="TEXT",
        help="A text to explain, for models that take texts. May be repeated.",
        show_default=False,
    ),
]
Texts = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file with a text on each line; - is standard input.",
        show_default=False,
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a page with the coloured tokens of all texts.",
        show_default=False,
    ),
]


def explain(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    method: Methods,
    images: arguments.Images = [],  # noqa: B006 - typer copies it
    text: Text = [],  # noqa: B006 - typer copies it
    texts: Texts = None,
    html: Html = None,
    option: Options = [],  # noqa: B006 - typer copies it
    target: Target = None,
    score: Score = None,
    contrast: Contrast = None,
    true_label: TrueLabel = False,
    layer: Layer = None,
    at: At = None,
    out: Out = Path("out/explain"),
    file_format: Formats = ["png", "npz"],  # noqa: B006 - typer copies it
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Draw and store why a model sees what it sees in each image, or reads in each text."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.classifier import open_classifier
    from tfxai.cli.explaining import Request, explain_all
    from tfxai.cli.picking import pick_methods, read_score, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.sources import find_sources
    from tfxai.cli.texts import Files, check_alone, explain_texts, open_reader, read_texts
    from tfxai.cli.true_labels import refuse_other_targets, true_targets
    from tfxai.cli.writing import Writer

    is_of_texts = bool(text) or texts is not None
    about_images: dict[str, Any] = {"--true-label": true_label, "--preprocessing": preprocessing}
    about_images |= {"--resize": resize, "--skip-bad": skip_bad, "--seed": seed is not None}
    check_alone(is_of_texts=is_of_texts, images=images, html=html, about_images=about_images)
    if is_of_texts:
        given = read_texts(text, texts)
        start()
        chosen = tuple(pick_methods(method, option, layer))
        reader = open_reader(model, classes, trust=trust, modules=modules)
        asked = read_score(score, contrast, target)
        request = Request(chosen, read_target(target), asked, at)
        files = Files(out, tuple(file_format), html)
        explain_texts(reader, given, request, files, as_json=as_json)
        return
    if true_label:
        refuse_other_targets(target, contrast)
    bad = BadFiles(skip=skip_bad)
    writer = Writer(out, file_format, find_sources(images, seed, bad))
    start()
    chosen = tuple(pick_methods(method, option, layer))
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    asked = read_score(score, contrast, target)
    own = true_targets(writer.sources, classifier) if true_label else None
    request = Request(chosen, read_target(target), asked, at, own)
    used = explain_all(model, classifier, request, writer, bad, as_json=as_json)
    bad.finish(used)
