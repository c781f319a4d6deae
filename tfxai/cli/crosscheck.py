"""`tfxai crosscheck`: the same model and image explained by alibi and tf-explain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments

if TYPE_CHECKING:
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source
    from tfxai.crosscheck import Result
    from tfxai.crosscheck.setting import Setting

MODEL = "cifar10_cnn"
SHORT = {"departs as known": "as known", "fails as known": "fails"}
DIFFERENT = 1  # exit code where a value is not what it should be

HOW = (
    "Difference: the largest between two values, as a share of the largest value. Corr.: "
    "Pearson's correlation. Time over its: tfxai's time over the peer's, median and quartiles."
)

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .keras or .h5 file, or the name of a model.")
]
Image = Annotated[
    str | None,
    typer.Argument(
        metavar="IMAGE",
        help="An image file, or cifar10:test:5113; scikit-image's cat if left out.",
        show_default=False,
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The layer of Grad-CAM; the last one if left out.", show_default=False
    ),
]
Rounds = Annotated[
    int, typer.Option(min=0, help="How often each side is timed; 0 for not at all.")
]


def crosscheck(
    model: Model = MODEL,
    image: Image = None,
    layer: Layer = None,
    rounds: Rounds = 9,
    preprocessing: arguments.Preprocessing = None,
    as_json: arguments.Json = False,
) -> None:
    """Compare values and times with alibi and tf-explain; exit code 1 where values differ."""
    from tfxai.cli.image_classifier import announce_sizes, open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, working

    source = _source(image)
    start()
    from tfxai.crosscheck import crosscheck, require_peers

    with working("Loading alibi and tf-explain"):
        require_peers()
    classifier = open_classifier(model, preprocessing)
    setting = _setting(classifier, source, layer)
    if not as_json:
        announce_sizes(classifier, [source])
    with working("Comparing"):
        results = list(crosscheck(setting, rounds))
    if as_json:
        print_json(_record(model, source, setting, results))
    else:
        _show(model, source, setting, classifier, results)
    if any(result.verdict.is_alarm for result in results):
        raise typer.Exit(DIFFERENT)


def _source(image: str | None) -> Source:
    from tfxai.cli.demo import PHOTOGRAPHS
    from tfxai.cli.sources import find_sources
    from tfxai.errors import InvalidInputError

    if image is None:
        return PHOTOGRAPHS[0]
    found = find_sources([image], None)
    if len(found) != 1:
        raise InvalidInputError(
            f"{str(Path(image))!r} holds {len(found)} images, and one is compared. Pass a file."
        )
    return found[0]


def _setting(classifier: ImageClassifier, source: Source, layer: str | None) -> Setting:
    import numpy as np

    from tfxai.crosscheck.setting import Setting

    pixels = classifier.fit(source.read())[None]
    x = np.asarray(classifier.subject.prepare(pixels), np.float32)
    return Setting.of(classifier.subject.model, x, layer)


def _record(
    model: str, source: Source, setting: Setting, results: Sequence[Result]
) -> dict[str, Any]:
    from tfxai.crosscheck import TOLERANCE, versions

    return {
        "model": model,
        "image": source.name,
        "target": setting.target,
        "layer": setting.layer,
        "steps": setting.steps,
        "tolerance": TOLERANCE,
        "versions": versions(),
        "results": [result.to_dict() for result in results],
    }


def _show(
    model: str,
    source: Source,
    setting: Setting,
    classifier: ImageClassifier,
    results: Sequence[Result],
) -> None:
    """Prints a table for each peer, and below them what is known of it."""
    from tfxai.cli.terminal import output, print_laid_out, say, shown
    from tfxai.crosscheck import versions

    classes = classifier.subject.classes
    target = classes[setting.target] if classes else str(setting.target)
    say(shown(f"{model}, {source.name}, target {target}, layer {setting.layer}"), style="bold")
    notes = list(dict.fromkeys(result.note for result in results if result.note))
    for peer, version in versions().items():
        say()
        print_laid_out(_table(f"{peer} {version}", peer, results, notes))
    say()
    output().print(HOW, width=80)
    say()
    for number, note in enumerate(notes, 1):
        output().print(_note(number, note, results))
    say()
    output().print(_verdict(results), width=80)


def _table(title: str, peer: str, results: Sequence[Result], notes: Sequence[str]) -> Any:
    from rich.text import Text

    from tfxai.cli.terminal import table

    made = table(title, "Difference", "Corr.", "Time over its", "Verdict", right=(2, 3))
    made.columns[0].no_wrap = True
    for result in results:
        if result.peer != peer:
            continue
        mark = f" ({notes.index(result.note) + 1})" if result.note else ""
        style = "bold red" if result.verdict.is_alarm else ""
        made.add_row(
            result.method,
            ""
            if result.difference is None
            else f"{result.difference:.1g} of {result.largest:.2g}",
            "" if result.correlation is None else f"{result.correlation:.3f}",
            _times(result),
            Text(f"{SHORT.get(str(result.verdict), result.verdict)}{mark}", style),
        )
    return made


def _times(result: Result) -> str:
    times = result.time_ratio
    return "" if times is None else "{median:.2f} ({low:.2f}-{high:.2f})".format(**times)


def _note(number: int, note: str, results: Sequence[Result]) -> Any:
    """A numbered note, with what is left of the difference once it is allowed for."""
    from rich.table import Table

    left = [r.reconciled for r in results if r.note == note and r.reconciled is not None]
    if left:
        upto = f" up to {max(left):.0e} of the largest" if max(left) else " to the last bit"
        note += f" Allowing for that, the values are the same{upto}."
    made = Table.grid(padding=(0, 1))
    made.add_row(f"({number})", note)
    return made


def _verdict(results: Sequence[Result]) -> str:
    from tfxai.crosscheck import TOLERANCE

    alarms = [f"{result.peer}'s {result.method}" for result in results if result.verdict.is_alarm]
    if alarms:
        return f"Look at: {'; '.join(alarms)}."
    return (
        f"Everything agrees to {TOLERANCE:.0e} of the largest value, at once or once the peer's "
        "known departure is allowed for."
    )
