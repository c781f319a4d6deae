"""Explaining images or rows one batch at a time, and showing what came out."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfxai.cli.bad_files import STRICT, BadFiles
from tfxai.cli.classifier import Classifier, by_batches
from tfxai.cli.column_table import column_table
from tfxai.cli.explained import ExplainedImage
from tfxai.cli.image_classifier import announce_sizes
from tfxai.cli.predict import about, prediction_records, show_ranking_of
from tfxai.cli.sources import Source
from tfxai.cli.table_rows import CsvRow
from tfxai.cli.terminal import print_json, print_laid_out, remark, say, shown, table
from tfxai.errors import NotFiniteError, TfxaiWarning

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.attribution import Attribution
    from tfxai.cli.writing import Writer
    from tfxai.core.question.scores import Contrast
    from tfxai.methods import AttributionMethod


@dataclasses.dataclass(frozen=True)
class Request:
    """The question asked about every image.

    Args:
        methods: The methods that explain it.
        target: The class to explain, None for the predicted one.
        score: The score to explain, or a contrast of two classes; None for the method's own.
        at: The layer whose output is explained; None explains the image.
        own_targets: The output that is explained of each image, in the place of `target`.
    """

    methods: tuple[AttributionMethod, ...]
    target: int | str | None = None
    score: str | Contrast | None = None
    at: str | None = None
    own_targets: Mapping[Source, int] | None = None

    def targets(self, sources: Sequence[Source]) -> Any:
        """What is explained of each image, or of all."""
        own = self.own_targets
        return self.target if own is None else [own[source] for source in sources]


def explain_images(
    classifier: Classifier, sources: Sequence[Source], request: Request, bad: BadFiles = STRICT
) -> Iterator[ExplainedImage]:
    """Explains the images, a batch of them at a time.

    Raises:
        UnsupportedModelError: The model or its gradients give no finite numbers.
        TfxaiError: The request does not fit the model.
    """

    def answer(some: Sequence[Source], batch: Any) -> list[ExplainedImage]:
        with warnings.catch_warnings():  # remark_on_values says the same of each image
            warnings.simplefilter("ignore", TfxaiWarning)
            ranks = classifier.rank(batch, [source.name for source in some])
            found = _explained(classifier, batch, some, request)
        return [
            ExplainedImage(source, ranks[i], [whole[i] for whole in found])
            for i, source in enumerate(some)
        ]

    for _, explained in by_batches(classifier, sources, answer, "Explaining", bad):
        yield explained


def _explained(
    classifier: Classifier, batch: Any, sources: Sequence[Source], request: Request
) -> list[Attribution]:
    from tfxai.methods.together import explain

    try:
        return explain(
            classifier.subject,
            batch,
            request.methods,
            request.targets(sources),
            score=request.score,
            at=request.at,
            progress=False,  # one display is enough
        )
    except NotFiniteError as error:
        name = sources[error.example].name
        sentence = str(error).replace(f"example {error.example}", repr(name), 1)
        raise NotFiniteError(sentence, error.example) from error


def explain_all(
    model: str,
    classifier: Classifier,
    request: Request,
    writer: Writer,
    bad: BadFiles,
    *,
    as_json: bool,
) -> int:
    """Explains the writer's images, writes the files about each and says what was found.

    Returns:
        How many images were explained.
    """
    records = []
    number = -1
    for number, explained in enumerate(explain_images(classifier, writer.sources, request, bad)):
        record = explanation_record(model, explained, classifier)
        files = writer.write(explained, record)
        if number == 0:  # the request fits the model: what comes is no longer an error
            announce_sizes(classifier, writer.sources)
        records.append({**record, "files": files})
        if not as_json:
            show(explained, classifier, files)
        remark_on_values(explained)
    written = writer.finish(records)
    if as_json:
        print_json(records)
    else:
        for path in written:
            say(shown(path))
    return number + 1


def explanation_record(
    model: str, explained: ExplainedImage, classifier: Classifier
) -> dict[str, Any]:
    """What was found about one image, without the values, for JSON."""
    return {
        "model": model,
        **about(explained.source),
        "predictions": prediction_records(explained.best, classifier),
        "explanations": [_record(one) for one in explained.attributions],
    }


def _record(one: Attribution) -> dict[str, Any]:
    from tfxai.core.inputs.frozen_arrays import listed

    numbers = {
        name: None if array is None or not math.isfinite(array[0]) else float(array[0])
        for name, array in (
            ("probability", one.probability),
            ("score", one.score),
            ("baseline_score", one.baseline_score),
            ("completeness_gap", one.completeness_gap),
        )
    }
    return {
        **listed(one.method),
        "at": one.at,
        "target": int(one.target[0]),
        "class": one.target_names[0],
        "score_name": one.score_name,
        **numbers,
    }


def show(explained: ExplainedImage, classifier: Classifier, files: Sequence[str]) -> None:
    """Prints the tables of one image and the files about it."""
    show_ranking_of(explained.source, explained.best, classifier)
    print_laid_out(summary(explained.attributions))
    say()
    if isinstance(explained.source, CsvRow):
        _show_columns(explained.attributions)
    for path in files:
        say(shown(path))
    say()


def _show_columns(attributions: Sequence[Attribution]) -> None:
    """Prints what each column of a row says, a blank line after it."""
    found = column_table(attributions)
    if found is None:
        return
    made, hidden = found
    print_laid_out(made)
    if hidden:
        say(f"{hidden} more columns with smaller values.")
    say()


def summary(attributions: Sequence[Attribution]) -> Table:
    """The scores that were explained, and how far the values are from adding up to them."""
    gaps = any(one.completeness_gap is not None for one in attributions)
    headings = ["Method", "Explains", "Score", *(["Completeness gap"] if gaps else [])]
    made = table(*headings, right=(2, 3))
    for one in attributions:
        score = f"{one.score_name} {float(one.score[0]):.3f}"
        cells = [one.method["name"], _target(one), score]
        made.add_row(*map(shown, cells), *([gap_text(one)] if gaps else []))
    return made


def _target(one: Attribution) -> str:
    name = target_words(one)
    return name if one.probability is None else f"{name} ({float(one.probability[0]):.1%})"


def target_words(one: Attribution) -> str:
    """What is explained of one example: a class by its name, else which output."""
    from tfxai.plotting import labels

    return labels.target_title(one) if one.score_name == "output" else one.target_names[0]


def remark_on_values(explained: ExplainedImage) -> None:
    """Says what to know before one believes the values, each sentence once for an image."""
    from tfxai.remarks import remarks_on

    for sentence in remarks_on(explained.attributions, "--option "):
        remark(f"{explained.source.name}: {sentence}")


def gap_text(one: Attribution) -> str:
    """The completeness gap and its share, as figures have it, with a sign that can be searched."""
    from tfxai.plotting import labels

    gap = "" if one.completeness_gap is None else labels.gap(one)
    return gap.replace("\N{MINUS SIGN}", "-")
