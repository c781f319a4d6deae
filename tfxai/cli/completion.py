"""What a shell proposes when the tab key is pressed; found without TensorFlow, so at once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import typer

import tfxai

_ROOT = Path(tfxai.__file__).parents[1]


def model_names(incomplete: str) -> list[str]:
    """Models by name, model files and folders whose names start so."""
    from tfxai.registry import names
    from tfxai.registry.naming import SUFFIXES

    ahead = incomplete[: incomplete.rfind("/") + 1]
    try:
        found = sorted(Path(ahead or ".").iterdir())
    except OSError:
        found = []
    paths = [f"{ahead}{one.name}/" for one in found if one.is_dir()]
    paths += [f"{ahead}{one.name}" for one in found if one.suffix in SUFFIXES]
    return [one for one in [*names(), *paths] if one.startswith(incomplete)]


def method_names(incomplete: str) -> list[str]:
    """Registry names of the methods of the catalogue that start so, from the text of the files."""
    catalogue = _parsed("tfxai.methods.catalogue")
    lines = [line for line in catalogue.body if isinstance(line, ast.ImportFrom)]
    found = [_name(str(line.module), one.name) for line in lines for one in line.names]
    return sorted(name for name in found if name and name.startswith(incomplete))


def layer_paths(ctx: typer.Context, incomplete: str) -> list[str]:
    """Paths of layers of the model that was named before, read without loading it."""
    from tfxai import inspect_model
    from tfxai.errors import TfxaiError
    from tfxai.registry import find

    words = [
        ctx.params.get("model"),
        *ctx.args,
    ]  # where completion parses no further, it is a word
    model = next((str(one) for one in words if one), "")
    try:
        found = inspect_model(find(model))
    except (TfxaiError, OSError):
        return []
    return [one.path for one in found.layers if one.path.startswith(incomplete)]


@functools.cache
def _parsed(module: str) -> ast.Module:
    path = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(module: str, cls: str) -> str | None:
    """The class's `name`, also where it is that of a class which the module imports."""
    body = _parsed(module).body
    (made,) = (one for one in body if isinstance(one, ast.ClassDef) and one.name == cls)
    for line in made.body:
        if isinstance(line, ast.AnnAssign) and ast.unparse(line.target) == "name":
            if isinstance(line.value, ast.Constant):
                return str(line.value.value)
            other = ast.unparse(line.value or made).removesuffix(".name")
            for one in body:
                if isinstance(one, ast.ImportFrom) and other in {a.name for a in one.names}:
                    return _name(str(one.module), other)
    return None
