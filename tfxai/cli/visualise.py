"""`tfxai visualise`: pictures of what channels and classes of a model look for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.features import Objective, Visualisation

ANY_SIZE = (224, 224)  # of pictures for a model that takes any
WAYS = ("fourier", "phase", "pixels")

Layer = Annotated[
    str | None,
    typer.Option(
        metavar="LAYER",
        autocompletion=layer_paths,
        help="Path of a layer, as `tfxai inspect` lists them.",
        show_default=False,
    ),
]
Channels = Annotated[
    list[int],
    typer.Option(
        "--channel",
        "-c",
        min=0,
        help="A channel of --layer; repeat it for several. Without it the first 16.",
        show_default=False,
    ),
]
Targets = Annotated[
    list[str],
    typer.Option(
        "--class",
        metavar="NAME",
        help="A class by its name or number; repeat it for several.",
        show_default=False,
    ),
]
Steps = Annotated[int, typer.Option(min=1, help="Steps of gradient ascent.")]
Way = Annotated[
    str,
    typer.Option(
        metavar="|".join(WAYS),
        help="How pictures are written. fourier: coefficients in decorrelated colours; phase: "
        "phases alone, with the magnitudes of photographs; pixels: each by itself.",
    ),
]
Blur = Annotated[
    float,
    typer.Option(min=0, help="Largest random blur, in pixels, that a picture has to stand."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")]
Natural = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Photographs of what the pictures should show, to compare the paths through the "
        "network with.",
        show_default=False,
    ),
]
Animation = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Also write how the first picture came about: .gif, .png or .webp.",
        show_default=False,
    ),
]

Kept = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Keep each picture there when it is done (at most 2 GiB), so that a run that was "
        "stopped, or another one, makes only what is missing. If left out, the folder "
        "out/features.kept beside the figure out/features.png.",
        show_default=False,
    ),
]


def visualise(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    layer: Layer = None,
    channel: Channels = [],  # noqa: B006 - typer copies it
    classes_asked: Targets = [],  # noqa: B006 - typer copies it
    steps: Steps = 256,
    way: Way = "fourier",
    blur: Blur = 1.0,
    natural: Natural = None,
    seed: Seed = 0,
    save: arguments.Figure = Path("out/features.png"),
    animation: Animation = None,
    cache: Kept = None,
    preprocessing: arguments.Preprocessing = None,
    resize: arguments.Resize = None,
    classes: arguments.Classes = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    as_json: arguments.Json = False,
) -> None:
    """Draw what channels or classes look for, and say how far each picture may be trusted."""
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.writing import check_file, check_folder
    from tfxai.plotting.figures import format_of

    _check_words(layer, channel, classes_asked, way)
    format_of(save)
    for path in filter(None, (save, animation)):
        check_file(path)
    kept = cache or save.with_suffix(".kept")
    check_folder(kept)
    start()
    from tfxai.features import ActivationMaximisation, Transformations

    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    photographs = None if natural is None else _photographs(natural, classifier)
    size = classifier.size or ANY_SIZE
    asked = ActivationMaximisation(
        _objectives(classifier.subject, size, layer, channel, classes_asked),
        steps=steps,
        parameterisation=_way(way),
        transformations=Transformations(blur=blur),
        frames_every=0 if animation is None else max(steps // 32, 1),
        size=size,
        seed=seed,
    )
    found = asked(classifier.subject, photographs, cache=kept)
    save.parent.mkdir(parents=True, exist_ok=True)
    found.plot(save, f"What {layer or 'classes'} of {model} {'looks' if layer else 'look'} for")
    files = [save]
    if animation is not None:
        files.append(found.save_animation(animation))
    _say(found, {"model": model, "figure": str(save)}, files, as_json=as_json)


def _check_words(layer: str | None, channel: list[int], targets: list[str], way: str) -> None:
    """Refuses words that do not go together."""
    if way not in WAYS:
        raise UnknownNameError.of("way", way, WAYS)
    if (layer is None) == (not targets):
        came = "Neither --layer nor --class came" if layer is None else "--layer came with --class"
        raise InvalidInputError(f"{came}. Pass one of them: what the pictures are of.")
    if channel and layer is None:
        raise InvalidInputError("--channel came without --layer. Pass the layer that it is of.")


def _objectives(
    subject: Any, size: tuple[int, int], layer: str | None, channel: list[int], targets: list[str]
) -> list[Objective]:
    from tfxai.features import Channel, ClassLogit
    from tfxai.features.measured import shape_of
    from tfxai.features.pictures import PictureModel

    if layer is None:
        known = subject.classes or ()
        return [
            ClassLogit(int(one) if one.isdecimal() and one not in known else one)
            for one in targets
        ]
    if not channel:
        count = shape_of(PictureModel.of(subject, size).structure, layer)[-1]
        channel = list(range(min(count, 16)))
    return [Channel(layer, one) for one in channel]


def _way(way: str) -> Any:
    from tfxai.features import Fourier, PhaseOnly, Pixels

    return {"fourier": Fourier, "phase": PhaseOnly, "pixels": Pixels}[way]()


def _photographs(folder: Path, classifier: Any) -> Any:
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced

    sources = evenly_spaced(str(folder), 64, BadFiles(skip=False))
    return as_batch(sources, classifier)


def _say(found: Visualisation, about: dict[str, Any], files: list[Path], *, as_json: bool) -> None:
    from tfxai.cli.terminal import print_json, print_laid_out, remark, say, shown, table

    if as_json:
        print_json({**about, **found.to_dict()})
        return
    made = table("Picture", "Measured")
    for label, note in zip(found.labels, found.notes(), strict=True):
        made.add_row(shown(label), shown(note))
    print_laid_out(made)
    for one in found.remarks:
        remark(shown(one))
    say()
    for path in files:
        say(shown(str(path)))
