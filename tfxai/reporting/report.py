"""Explanations of images as a page of one file, which needs no network and no server."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.class_outputs import ClassOutputs, class_outputs
from tfxai.classes import explains_class, labelled_class
from tfxai.errors import InvalidInputError, MissingExtraError
from tfxai.files import replacing
from tfxai.methods.together import explain
from tfxai.plotting.images import image_part
from tfxai.plotting.labels import method_title, target_title
from tfxai.remarks import remarks
from tfxai.reporting.facts import configuration, model_facts, numbers, versions
from tfxai.reporting.pictures import described, heat_and_layer, photograph
from tfxai.subject import Subject

if TYPE_CHECKING:
    from tfxai.metrics import Evaluation
    from tfxai.sanity import SanityResult

MOST = 200
"""Images of a page."""
_BEST = 5  # classes of an image
_SMALL = 160  # pixels of the longer side, below which they are drawn as squares
_SIGNS = {
    True: "red speaks for the class and blue against it",
    False: "red raises the output and blue lowers it",
}
METHODS = ("integrated_gradients", "grad_cam", "occlusion")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What a page says; `tfxai.report` makes it.

    Args:
        subject: The model.
        attributions: One for each method, all of the same images.
        answers: What the model answers to each.
        names: Name of each image.
        labels: What each image shows, by its own account; empty where nobody says.
        score: The score that was asked for; None is each method's own.
        evaluation: How far the methods may be believed, where it was measured.
        sanity: Whether their maps follow the model, where it was checked.
    """

    subject: Subject
    attributions: tuple[Attribution, ...]
    answers: ClassOutputs
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    score: str | None = None
    evaluation: Evaluation | None = None
    sanity: tuple[SanityResult, ...] = ()

    def __repr__(self) -> str:
        return f"Report({len(self.names)} images, {len(self.attributions)} methods)"

    @property
    def html(self) -> str:
        """The page.

        Raises:
            MissingExtraError: Jinja2 is not installed.
        """
        try:
            import jinja2
        except ImportError as error:
            raise MissingExtraError.of("jinja2", "report") from error
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        card = self.subject.card
        return environment.get_template("report.html").render(
            model=card.name if card else self.subject.model.name,
            facts=model_facts(self.subject),
            versions=versions(),
            signs=_SIGNS[explains_class(self.attributions[0])],
            images=list(self._images()),
            evaluation=None if self.evaluation is None else _table(self.evaluation),
            sanity=self.sanity,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page to a file that ends in .html.

        Raises:
            InvalidInputError: The name has another ending.
            OutputError: The file cannot be written.
            MissingExtraError: Jinja2 is not installed.
        """
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise InvalidInputError(f"{str(target)!r} was expected to end in .html. Rename it.")
        text = self.html
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8")
        return target

    def _images(self) -> Iterator[dict[str, Any]]:
        """What the page says of each image."""
        for i, name in enumerate(self.names):
            ones = [whole[i] for whole in self.attributions]
            _, pixels = _of_image(ones[0])
            yield {
                "name": name,
                "label": self.labels[i] if self.labels else "",
                "photograph": photograph(pixels),
                "is_small": max(pixels.shape[:2]) < _SMALL,
                "size": f"{pixels.shape[1]} x {pixels.shape[0]}",
                "best": list(self._best(i)),
                "value": self._value(i),
                "is_wrong": self._is_wrong(i),
                "maps": [self._map(one, name) for one in ones],
            }

    def _value(self, i: int) -> str:
        """The only output where it is no class; else nothing."""
        row = self.answers.values[i]
        is_class = self.answers.names or self.answers.are_probabilities
        return "" if is_class or len(row) > 1 else f"{row[0]:.4g}"

    def _is_wrong(self, i: int) -> bool:
        """Whether the answer is known to be another class than the image shows."""
        label, names = self.labels[i] if self.labels else "", self.answers.names
        answer = int(np.argmax(self.answers.values[i]))
        return bool(label and names) and labelled_class(label, names) != answer

    def _best(self, i: int) -> Iterator[tuple[str, float, str]]:
        """The first classes of an image: name, share of a full bar, and number as text."""
        row = self.answers.values[i]
        largest = np.abs(row).max() or 1.0
        for k in np.argsort(-row, kind="stable")[:_BEST]:
            known = self.answers.are_probabilities
            share = float(row[k] if known else row[k] / largest)
            text = f"{share:.1%}" if known else f"{row[k]:.4g}"
            name = self.answers.name(int(k)) if self.answers.names else f"output {k}"
            yield name, max(0.0, share), text

    def _map(self, one: Attribution, name: str) -> dict[str, Any]:
        """What the page says of one map."""
        part, pixels = _of_image(one)
        heat, layer = heat_and_layer(part, pixels.shape[:2])
        title = method_title(one.method["name"])
        return {
            "title": title,
            "target": target_title(one),
            "layer": layer,
            "description": f"{title} of {name} for {target_title(one)}: {described(heat)}.",
            "numbers": numbers(one),
            "remarks": remarks(one),
            "configuration": configuration(one, self.score),
        }


def report(  # noqa: PLR0913 - the words of the command line
    model: Any,
    inputs: Any,
    methods: Sequence[Any] = METHODS,
    *,
    target: Any = None,
    score: Any = None,
    names: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    evaluation: Evaluation | None = None,
    sanity: Sequence[SanityResult] = (),
    chunk_size: int | str = "auto",
    progress: Any = None,
) -> Report:
    """Explains images by several methods, for a page of one file.

    Args:
        model: As for a method.
        inputs: Images, (B, H, W, C), 1 to 200 of them.
        methods: Methods, or their names.
        target: As for a method.
        score: As for a method.
        names: Name of each image; numbers by default.
        labels: What each image shows, by its own account: names, or numbers of classes.
        evaluation: What `tfxai.evaluate` measured; it is shown beside.
        sanity: What checks of `tfxai.sanity` found; it is shown beside.
        chunk_size: As for a method.
        progress: As for a method.

    Returns:
        `Report`: `save("report.html")` writes the page. It weighs about 20 to 50 kB a map.

    Raises:
        InvalidInputError: There are no images or too many, or names and labels are not as many.
        TfxaiError: As for a method.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> image = keras.Input((8, 8, 3))
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
        >>> tfxai.report(model, np.ones((2, 8, 8, 3)), ["gradient_input", "saliency"])
        Report(2 images, 2 methods)
    """
    subject = Subject.of(model)
    count = len(inputs)
    if not methods:
        raise InvalidInputError("There is no method. Pass at least one.")
    if not 1 <= count <= MOST:
        raise InvalidInputError(f"{count} images came, and a page holds 1 to {MOST}. Pass fewer.")
    for word, given in (("names", names), ("labels", labels)):
        if given is not None and len(given) != count:
            raise InvalidInputError(
                f"{len(given)} {word} came with {count} images. Pass one for each."
            )
    found = explain(
        subject, inputs, methods, target, score=score, chunk_size=chunk_size, progress=progress
    )
    for one in found:
        _of_image(one[0])
    answers = class_outputs(subject, inputs)
    return Report(
        subject=subject,
        attributions=tuple(found),
        answers=answers,
        names=tuple(f"image {i}" for i in range(count)) if names is None else tuple(names),
        labels=() if labels is None else tuple(_label(one, answers.names) for one in labels),
        score=None if score is None else str(score),
        evaluation=evaluation,
        sanity=tuple(sanity),
    )


def _label(given: Any, classes: Sequence[str] | None) -> str:
    """What an image shows as text; the name of a class whose number is given."""
    if isinstance(given, int | np.integer) and classes and 0 <= given < len(classes):
        return str(classes[int(given)])
    return str(given)


def _of_image(one: Attribution) -> tuple[Attribution, Array]:
    found = image_part(one)
    if found is None:
        raise InvalidInputError(
            f"A page shows maps over images, and {one.method['name']} gave values of shape "
            f"{_shape(one)} for this model. Pass methods whose values lie over images."
        )
    return found


def _table(evaluation: Evaluation) -> dict[str, Any]:
    """The rows of an evaluation as texts, one table for each metric and fill."""
    tables = []
    for column in evaluation.columns:
        rows = []
        for label in column.ranking((*evaluation.methods, *evaluation.controls)):
            one = column.measurements[label]
            low, high = one.interval(seed=evaluation.seed)
            over = [column.gain(control, label) for control in evaluation.controls]
            rows.append(
                [
                    f"({label})" if label in evaluation.controls else label,
                    f"{one.mean:.3g}",
                    f"{low:.3g} to {high:.3g}",
                    *over,
                ]
            )
        title = column.title + (" (unfit)" if column.is_unfit else "")
        tables.append({"title": title, "rows": rows})
    over = [f"over {name}" for name in evaluation.controls]
    return {
        "count": evaluation.count,
        "headings": ["Method", "Mean", "95 %", *over],
        "tables": tables,
        "warnings": evaluation.warnings(),
        "recommendation": evaluation.recommendation()[1],
    }


def _shape(one: Attribution) -> Any:
    if isinstance(one.values, dict):
        return {name: array.shape for name, array in one.values.items()}
    return one.values.shape
