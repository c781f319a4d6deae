"""Custom layers, losses and functions, from modules that are named."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tfxai.errors import InvalidInputError


def own_objects(modules: Sequence[str]) -> dict[str, Any]:
    """Imports modules, which runs their code, and collects what they define for models.

    Args:
        modules: Names of modules that Python finds, from the current folder on.

    Returns:
        The classes with a `from_config` and the functions that the modules themselves define, by
        name. What they register with Keras is known to Keras from then on.

    Raises:
        InvalidInputError: There is no such module, or it cannot be imported.
    """
    if not modules:
        return {}
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return {name: value for one in modules for name, value in _defined(_imported(one))}


@contextlib.contextmanager
def _writing_nothing() -> Iterator[None]:
    """Keeps Python from leaving `__pycache__` beside a module that is only looked into."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _imported(name: str) -> ModuleType:
    try:
        with _writing_nothing():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if name.partition(".")[0] != (error.name or "").partition(".")[0]:
            raise InvalidInputError(
                f"The module {name!r} needs {error.name!r}, which is not installed. "
                "Install that first."
            ) from error
        hint = name.removesuffix(".py").replace("/", ".")
        raise InvalidInputError(
            f"There is no module {name!r} here or among the installed ones. "
            f"Pass the name of a module, not of a file, such as {hint!r} for {hint}.py."
        ) from error
    except Exception as error:  # whatever the module's own code raises
        said = " ".join(str(error).split())[:160]
        raise InvalidInputError(
            f"The module {name!r} raises {type(error).__name__} when it is imported"
            f"{f': {said}' if said else ''}. Correct it, or pass another."
        ) from error


def _defined(module: ModuleType) -> list[tuple[str, Any]]:
    """What a module or its package defines, and a config may name."""
    package = module.__name__.partition(".")[0]
    found = []
    for name, value in vars(module).items():
        is_class = inspect.isclass(value) and hasattr(value, "from_config")
        home = str(getattr(value, "__module__", "")).partition(".")[0]
        is_own = home == package and not name.startswith("_")
        if is_own and (is_class or inspect.isfunction(value)):
            found.append((name, value))
    return found
