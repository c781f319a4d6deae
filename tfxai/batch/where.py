"""Which examples are explained: a condition in a small language, such as `probability < 0.5`."""

from __future__ import annotations

import ast
import dataclasses
import functools
import numbers
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfxai.classes import class_index
from tfxai.errors import InvalidInputError, UnknownNameError

MOST_CHARACTERS = 1000
"""Longest condition that is read."""
ANSWERS = ("prediction", "probability")
"""Names that need the model's answer."""
KNOWN = (*ANSWERS, "label", "key")
"""Names that mean the same in every data set."""

_Test = Callable[[Any, Any], bool]
_TESTS: dict[type[ast.cmpop], _Test] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_HELP = (
    "Write comparisons of fields, numbers and 'words', joined by and, or, not: as in "
    '"probability < 0.5 or prediction != label".'
)


@dataclasses.dataclass(frozen=True)
class Where:
    """A condition on an example and on the model's answer to it.

    Its names are `prediction` (the class with the largest output), `probability` (its
    probability), `label` (the true class), `key` (the name of the example) and fields of the
    data. A class is compared as a number or as its name.

    Args:
        text: The condition.

    Raises:
        InvalidInputError: It is none.
    """

    text: str

    def __post_init__(self) -> None:
        _check(_parsed(self.text).body)

    @property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(
            node.id for node in ast.walk(_parsed(self.text)) if isinstance(node, ast.Name)
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in it that are fields of the data."""
        return tuple(sorted(self.names - set(KNOWN)))

    @property
    def needs_answer(self) -> bool:
        """Whether the model has to be asked."""
        return not self.names.isdisjoint(ANSWERS)

    def check_classes(self, classes: tuple[str, ...] | None) -> None:
        """Raises `InvalidInputError` where a class is compared with what names none."""
        for node in ast.walk(_parsed(self.text)):
            if isinstance(node, ast.Compare):
                parts = [node.left, *node.comparators]
                for one in parts if _is_of_classes(parts) else ():
                    _check_names(one, classes)
                    if not any(isinstance(test, _ORDERS) for test in node.ops):
                        _check_numbers(one, classes)

    def holds(self, values: Mapping[str, Any], classes: tuple[str, ...] | None = None) -> bool:
        """Whether it holds for an example.

        Args:
            values: By name; classes by their numbers.
            classes: Names of the classes.

        Raises:
            UnknownNameError: A name is not among the values.
            InvalidInputError: Values cannot be compared.
        """
        return bool(_value(_parsed(self.text).body, values, classes))


_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Expression:
    if len(text) > MOST_CHARACTERS:
        raise InvalidInputError(
            f"The condition has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are "
            f"read. {_HELP}"
        )
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInputError(f"{text!r} is no condition. {_HELP}") from error


def _check(node: ast.AST) -> None:
    """Raises `InvalidInputError` where something is not allowed by name."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand)
    elif isinstance(node, ast.Compare):
        for part in (node.left, *node.comparators):
            _check_operand(part)
        for test, right in zip(node.ops, node.comparators, strict=True):
            if type(test) not in _TESTS:
                raise _refusal(node)
            if isinstance(test, ast.In | ast.NotIn) != isinstance(right, ast.Tuple | ast.List):
                raise _refusal(node)
    else:
        raise _refusal(node)


def _check_operand(node: ast.AST) -> None:
    if isinstance(node, ast.Tuple | ast.List):
        for one in node.elts:
            _check_operand(one)
            if isinstance(one, ast.Tuple | ast.List | ast.Name):
                raise _refusal(node)
        return
    if isinstance(node, ast.Name) or _is_number(node):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return
    raise _refusal(node)


def _is_number(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _refusal(node: ast.AST) -> InvalidInputError:
    return InvalidInputError(f"{ast.unparse(node)!r} is no part of a condition. {_HELP}")


def _check_names(node: ast.AST, classes: tuple[str, ...] | None) -> None:
    for one in node.elts if isinstance(node, ast.Tuple | ast.List) else [node]:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            if classes is None:
                raise InvalidInputError(
                    f"The condition names the class {one.value!r}, and the model's classes have "
                    "no names. Write its number."
                )
            if class_index(one.value, classes) is None:
                raise UnknownNameError.of("class", one.value, classes)


def _check_numbers(node: ast.AST, classes: tuple[str, ...] | None) -> None:
    for one in node.elts if isinstance(node, ast.Tuple | ast.List) else [node]:
        number = one.value if isinstance(one, ast.Constant) else None
        if classes and isinstance(number, int | float) and number >= len(classes):
            raise InvalidInputError(
                f"The condition names the class {number}, and the model's classes are 0 to "
                f"{len(classes) - 1}. Correct it."
            )


def _value(node: ast.AST, values: Mapping[str, Any], classes: tuple[str, ...] | None) -> Any:
    if isinstance(node, ast.BoolOp):
        which = all if isinstance(node.op, ast.And) else any
        return which(_value(one, values, classes) for one in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, values, classes)
    if isinstance(node, ast.UnaryOp):
        return -ast.literal_eval(node.operand)
    if isinstance(node, ast.Compare):
        return _compared(node, values, classes)
    if isinstance(node, ast.Tuple | ast.List):
        return [_value(one, values, classes) for one in node.elts]
    if isinstance(node, ast.Name):
        if node.id not in values:
            raise UnknownNameError.of("field", node.id, [*values])
        return values[node.id]
    return ast.literal_eval(node)


def _compared(
    node: ast.Compare, values: Mapping[str, Any], classes: tuple[str, ...] | None
) -> bool:
    parts = [node.left, *node.comparators]
    read = [_value(part, values, classes) for part in parts]
    if _is_of_classes(parts):
        read = [_numbers(one, classes) for one in read]
    for test, left, right in zip(node.ops, read, read[1:], strict=False):
        others = right if isinstance(right, list) else [right]
        kinds = {_kind(one) for one in (left, *others)} - {None}
        is_missing = left is None and isinstance(test, ast.Eq | ast.NotEq | ast.In | ast.NotIn)
        try:
            if (len(kinds) > 1 or "other" in kinds) and not is_missing:
                raise TypeError
            if not _TESTS[type(test)](left, right):
                return False
        except TypeError as error:
            raise InvalidInputError(
                f"{ast.unparse(node)!r} compares {_shown(left)} with {_shown(right)}. Compare "
                "numbers with numbers and words with words."
            ) from error
    return True


def _kind(value: Any) -> str | None:
    """What a value is compared with: None, which is missing, equals nothing."""
    if value is None:
        return None
    if isinstance(value, str):
        return "word"
    return "number" if isinstance(value, numbers.Number | np.bool_) else "other"


def _shown(value: Any) -> str:
    return (
        repr(value)
        if _kind(value) != "other" or isinstance(value, list)
        else (f"a {type(value).__name__}")
    )


def _is_of_classes(parts: list[ast.expr]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in ("prediction", "label") for one in parts)


def _numbers(one: Any, classes: tuple[str, ...] | None) -> Any:
    """A class by its number where it is named."""
    if isinstance(one, list):
        return [_numbers(each, classes) for each in one]
    return class_index(one, classes) if isinstance(one, str) else one
