"""`tfxai serve --model`: models exported on start, into a folder that is removed at the end."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tfxai.errors import InvalidInputError, TfxaiError

METHODS = ("integrated_gradients", "grad_cam", "saliency")
"""What is exported where no --method is named, as far as the model can be explained so."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def read_models(words: Sequence[str]) -> dict[str, str]:
    """The models of `--model NAME=FILE` by name; of a bare FILE the name is that of the file.

    Raises:
        InvalidInputError: A name is none, or there twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, _, file = word.rpartition("=")
        name = name or Path(file).stem
        if not file or not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"--model {word!r} was expected to be NAME=FILE, such as digits=digits.keras. A "
                "name has letters, digits and - _ . only."
            )
        if name in found:
            raise InvalidInputError(f"--model has {name!r} twice. Choose another NAME for one.")
        found[name] = file
    return found


@contextlib.contextmanager
def exported(
    models: dict[str, str],
    words: Sequence[str],
    options: Sequence[str],
    known: dict[str, Any],
    *,
    trust: bool,
) -> Iterator[Path]:
    """A folder that holds them as versions, while inside the block.

    Args:
        models: File, or name of a model that ships, by the name to serve it by.
        words: Names of methods; none for those of `METHODS` that each model can be explained by.
        options: `KEY=VALUE` of methods, as `tfxai export` has them.
        known: `preprocessing` and `classes` as the command line has them.
        trust: Load the files whatever a scan finds in them.

    Raises:
        TfxaiError: A model cannot be loaded, or not be exported.
    """
    from tfxai.cli.export import described
    from tfxai.cli.picking import pick_methods
    from tfxai.cli.terminal import working
    from tfxai.registry import find, load

    files = {name: find(file) for name, file in models.items()}
    chosen = pick_methods(words or METHODS, options, None)
    with tempfile.TemporaryDirectory(prefix="tfxai-serve-") as place:
        for name, file in models.items():
            with working(f"Exporting {files[name]}"):
                subject = described(load(file, trust=trust), files[name].stem, **known)
                _save(subject, Path(place), name, chosen, are_said=bool(words))
        yield Path(place)


def _save(subject: Any, base: Path, name: str, methods: Sequence[Any], *, are_said: bool) -> None:
    """Exports a model, without those methods of the default that it cannot be explained by."""
    from tfxai.export import save

    path = base / name / "1"
    try:
        save(subject, path, methods)
        return
    except TfxaiError:
        if are_said:
            raise
    fit, problem = [], None
    for one in methods:
        try:
            with tempfile.TemporaryDirectory(prefix="tfxai-serve-") as trial:
                save(subject, Path(trial) / "model" / "1", [one])
            fit.append(one)
        except TfxaiError as error:
            problem = problem or error
    if not fit:
        raise InvalidInputError(
            f"None of {', '.join(METHODS)} explains {name}: {problem} Name others by --method."
        ) from problem
    save(subject, path, fit)
