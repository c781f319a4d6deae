"""A method as its program sees it: without the options that are inputs of the program."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.methods.base import AttributionMethod


class Traced:
    """A view of a method that is part of a program's key, and `self` while it is traced.

    It has all that the method has but its `program_inputs`: they are no part of the key, for
    another baseline runs the same program, and so no part of what is traced. The methods among the
    options are seen in the same way.
    """

    def __init__(self, method: AttributionMethod) -> None:
        inner = {name: Traced(one) for name, one in method._inner().items()}
        options = {**method._options(), **inner}
        self._cls = type(method)
        self._kept = {k: v for k, v in options.items() if k not in method.program_inputs}

    @property  # type: ignore[misc]  # `isinstance` and `super()` ask for it
    def __class__(self) -> Any:
        return self._cls

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_cls", "_kept"):
            raise AttributeError(name)
        if name in self._kept:
            return self._kept[name]
        if name in self._cls.program_inputs:
            raise AttributeError(
                f"self.{name} of {self._cls.__name__} was read in _attribute. The program takes "
                "it as a tensor, with a row for each example: use f.baseline, or "
                "f.baseline_number(r) for one of a set."
            )
        found = inspect.getattr_static(self._cls, name)
        bind = getattr(type(found), "__get__", None)  # functions get this view as their `self`
        return found if bind is None else bind(found, self, self._cls)

    def __eq__(self, other: object) -> bool:
        return type(other) is Traced and self._cls is other._cls and self._kept == other._kept

    def __hash__(self) -> int:
        return hash((self._cls, tuple(self._kept.items())))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._kept.items())
        return f"Traced({self._cls.__name__}({options}))"
