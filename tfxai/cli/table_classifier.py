"""A model that takes the rows of a table, and the way from a CSV file to its answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from tfxai.cli import runtime
from tfxai.cli.classifier import Classifier, count_classes, with_classes
from tfxai.cli.table_rows import CsvRow
from tfxai.cli.terminal import working
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.registry.own_objects import own_objects

if TYPE_CHECKING:
    from tfxai.cli.sources import Source
    from tfxai.core.inputs.layout import Layout
    from tfxai.subject import Subject


@final
@dataclasses.dataclass(frozen=True)
class TableClassifier(Classifier):
    """A subject whose input is a table, or whose inputs are columns of one."""

    @property
    def advice(self) -> str:
        """What to check where the answers are not finite."""
        return "Check its weights, and that the columns are encoded as for its training."

    @property
    def most(self) -> int:
        """Most rows in a batch."""
        return 256

    def read(self, source: Source) -> Any:
        """A row as a DataFrame of one, columns of texts where the model takes texts.

        Raises:
            InvalidInputError: The row does not fit the model.
        """
        return _fitting(self.subject, source) if isinstance(source, CsvRow) else source.read()

    def together(self, read: Sequence[Any]) -> Any:
        """Rows as one DataFrame."""
        from tfxai.core.inputs.frames import imported_pandas

        return imported_pandas().concat(read)


def open_table_classifier(
    model: str,
    rows: Sequence[CsvRow],
    classes: Path | None = None,
    *,
    trust: bool = False,
    modules: Sequence[str] = (),
) -> TableClassifier:
    """Loads a model of tables for the command line.

    Args:
        model: A path or a name.
        rows: The rows of the table that are asked for, one or more.
        classes: File of class names, which override the card's.
        trust: Whether to load whatever the scan finds, as for `tfxai.load`.
        modules: Names of modules with classes and functions that the model uses.

    Raises:
        InvalidInputError: The table has other columns than the model takes, or no row fits.
        UnsupportedModelError: The model takes no table, or does not classify.
        TfxaiError: The model cannot be found or loaded.
    """
    from tfxai import registry
    from tfxai.data.classes import read_classes

    path = registry.find(model)
    named = None if classes is None else (read_classes(classes), classes)
    runtime.start()
    own = own_objects(modules)
    with working(f"Loading {path}"):
        subject = registry.load(model, trust=trust, custom_objects=own)
        _check_columns(subject, path, rows[0])
        classifier = _classifier(subject, path, rows)
    return classifier if named is None else with_classes(classifier, *named)


def _classifier(subject: Subject, path: Path, rows: Sequence[CsvRow]) -> TableClassifier:
    from tfxai.core.model.structure import model_structure

    body = model_structure(subject.model, _layout(subject, rows))
    gives_probabilities = body.ending.gives == "probabilities"
    count = count_classes(body.outputs, gives_probabilities, path, "row")
    subject.check_classes(body)
    return TableClassifier(subject, count, gives_probabilities)


def _layout(subject: Subject, rows: Sequence[CsvRow]) -> Layout:
    """The layout of the first row that fits the model; raises as the first one where none does."""
    from tfxai.core.inputs.reading import read_inputs

    errors = []
    for row in rows:
        try:
            return read_inputs(subject.model, _fitting(subject, row))[0]
        except InvalidInputError as error:
            errors.append(error)
    raise errors[0]


def _fitting(subject: Subject, row: CsvRow) -> Any:
    """The row as a DataFrame of one, columns of texts where the model takes texts.

    Raises:
        InvalidInputError: It does not fit the model.
    """
    from tfxai.core.inputs.reading import read_inputs

    texts = {name: row.texts[name] for name in _texts(subject, row.typed)}
    fitting = row.typed.assign(**texts)
    try:
        read_inputs(subject.model, fitting)
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.name}: {error}") from error
    return fitting


def _check_columns(subject: Subject, path: Path, row: CsvRow) -> None:
    """Raises where the model takes no table, or other columns than the file has."""
    declared = getattr(subject.model, "inputs", None) or []
    shapes = {tensor.name: tuple(tensor.shape[1:]) for tensor in declared}
    names = list(row.typed.columns)
    if _takes_columns(subject):
        missing = [name for name in shapes if name not in names]
        if missing:
            raise InvalidInputError(
                f"{str(row.path)!r} has the columns {_listed(names)}, and the model "
                f"{str(path)!r} takes one of the name {missing[0]!r}. Rename the columns."
            )
        wrong = {name: shape for name, shape in shapes.items() if shape not in ((), (1,))}
    else:
        wrong = {name: shape for name, shape in shapes.items() if len(shape) != 1}
    for name, shape in wrong.items():
        taken = f"({', '.join(map(str, ('B', *shape)))})"
        raise UnsupportedModelError(
            f"The model {str(path)!r} takes {taken} as its input {name!r}, which is no "
            "row of a table. Pass images without --csv, or explain it in Python."
        )
    for shape in () if _takes_columns(subject) else shapes.values():
        if shape[0] not in (None, len(names)):
            raise InvalidInputError(
                f"{str(row.path)!r} has {len(names)} columns ({_listed(names)}), and the model "
                f"{str(path)!r} takes {shape[0]}. Leave out those that it does not take, such "
                "as the label, by --drop NAME."
            )


def _takes_columns(subject: Subject) -> bool:
    """Whether each column is an input by itself."""
    declared = getattr(subject.model, "inputs", None) or []
    return len(declared) > 1 or isinstance(getattr(subject.model, "input", None), Mapping)


def _texts(subject: Subject, row: Any) -> list[str]:
    """The columns that the model takes as texts."""
    declared = getattr(subject.model, "inputs", None) or []
    texts = [tensor.name for tensor in declared if tensor.dtype == "string"]
    if texts and not _takes_columns(subject):
        return list(row.columns)
    return [name for name in texts if name in row.columns]


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
