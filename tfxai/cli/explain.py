"""`tfxai explain`: why a model says what it says about an image, or a row of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths, method_names
from tfxai.errors import InvalidInputError

Methods = Annotated[
    list[str],
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        autocompletion=method_names,
        help="See: tfxai methods. May be repeated.",
    ),
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
        autocompletion=layer_paths,
        help="The layer of methods that look at one, such as backbone/conv5.",
        show_default=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        autocompletion=layer_paths,
        help="Explain this layer's output instead of the image.",
        show_default=False,
    ),
]
Certain = Annotated[
    bool,
    typer.Option(
        "--certain",
        help="Grey out pixels whose value the samples do not make certain at 95 %; for methods "
        "that draw samples, such as smooth_grad.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where files go.")]
Csv = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Explain rows of a table instead of images: a CSV file with the names of the columns "
        "in its first line, as pandas reads it. A model with one input for each column takes them "
        "by name, a model with one input takes all in their order.",
        show_default=False,
    ),
]
Rows = Annotated[
    list[int],
    typer.Option(
        metavar="N",
        help="A row of --csv; 0 is the first one below the names. May be repeated.",
        show_default=False,
    ),
]
Drop = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="Leave out a column of --csv that the model does not take, such as the label. May be "
        "repeated.",
        show_default=False,
    ),
]
Formats = Annotated[
    list[str],
    typer.Option(
        "--format",
        metavar="png|pdf|npz|json|csv|sheet",
        help="png or pdf: a figure; npz or json: the raw values; csv: summary.csv, a line for "
        "each image and method; sheet: all images in one grid for each method. May be repeated.",
    ),
]
Columns = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Draw all images in one grid for each method, contact.METHOD.png, N of them side by "
        "side (.pdf where --format says pdf and not png). --format sheet chooses N itself.",
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
    csv: Csv = None,
    row: Rows = [],  # noqa: B006 - typer copies it
    drop: Drop = [],  # noqa: B006 - typer copies it
    text: arguments.Text = [],  # noqa: B006 - typer copies it
    texts: arguments.Texts = None,
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
    columns: Columns = None,
    certain: Certain = False,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    seed: arguments.Seed = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Draw and store why a model says what it says of each image, table row or text."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.explaining import Request, explain_all
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods, read_score, read_target
    from tfxai.cli.runtime import start
    from tfxai.cli.sources import find_sources
    from tfxai.cli.table_classifier import open_table_classifier
    from tfxai.cli.table_rows import check_words, find_rows
    from tfxai.cli.texts import Files, check_alone, explain_texts, open_reader, read_texts
    from tfxai.cli.true_labels import refuse_other_targets, true_targets
    from tfxai.cli.writing import Writer

    of_images = {"IMAGE": images, "--preprocessing": preprocessing, "--resize": resize}
    of_images |= {"--seed": seed is not None, "--true-label": true_label}
    of_tables = {"--row": row, "--drop": drop}
    if text or texts is not None:
        others = {**of_images, "--csv": csv, **of_tables, "--skip-bad": skip_bad}
        check_alone({**others, "--columns": columns, "--certain": certain})
        given = read_texts(text, texts)
        start()
        chosen = tuple(pick_methods(method, option, layer))
        reader = open_reader(model, classes, trust=trust, modules=modules)
        asked = read_score(score, contrast, target)
        request = Request(chosen, read_target(target), asked, at)
        files = Files(out, tuple(file_format), html)
        explain_texts(reader, given, request, files, as_json=as_json)
        return
    if html is not None:
        raise InvalidInputError("--html is for texts. Pass --text TEXT, or leave it out.")
    check_words(csv, of_tables, of_images)
    if true_label:
        refuse_other_targets(target, contrast)
    bad = BadFiles(skip=skip_bad)
    rows = [] if csv is None else find_rows(csv, row, drop, bad)
    sources = rows if csv else find_sources(images, seed, bad)
    writer = Writer(out, file_format, sources, columns, certain=certain)
    start()
    chosen = tuple(pick_methods(method, option, layer))
    if csv and not rows:
        bad.finish(0)
    classifier = (
        open_table_classifier(model, rows, classes, trust=trust, modules=modules)
        if rows
        else open_classifier(model, preprocessing, classes, resize, trust=trust, modules=modules)
    )
    asked = read_score(score, contrast, target)
    own = true_targets(writer.sources, classifier) if true_label else None
    request = Request(chosen, read_target(target), asked, at, own)
    used = explain_all(model, classifier, request, writer, bad, as_json=as_json)
    bad.finish(used)
