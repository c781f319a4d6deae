"""`tfxai.export.save`: a model and its explanations as one SavedModel."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.errors import InvalidInputError
from tfxai.export.folders import NewVersion
from tfxai.export.graphs import problems
from tfxai.export.layouts import layouts
from tfxai.export.names import CHECK, DESCRIBE, DESCRIPTION, EXAMPLES, EXTRA, FILES
from tfxai.export.probes import probe, write_cases, write_warmup
from tfxai.export.records import record, write_record
from tfxai.export.signatures import MethodSignature, describe, explain, serve
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import read_method
from tfxai.subject import Subject


def save(  # noqa: PLR0913 - an argument for each question of a call
    model: keras.Model | Subject,
    path: str | os.PathLike[str],
    methods: Mapping[str, Any] | Sequence[Any],
    *,
    score: Any = None,
    at: str | None = None,
    example: Any = None,
    chunk_size: int | str = "auto",
    overwrite: bool = False,
) -> Path:
    """Writes a model and its explanations for TensorFlow Serving.

    The signature `serve` (and `serving_default`) is the model itself; `explain_NAME` is a method.
    It takes the model's inputs under their own names, in the model's own units, and `target`,
    int32 (B,), -1 for the predicted class. It gives `attributions`, `heatmap`, for images
    `heatmap_png_bytes`, `target`, `score`, and where the method has them `baseline_score` and
    `completeness_gap`; for a model that takes strings `tokens` and `token_values`. `describe`
    gives the record of all this, as JSON. docs/export.md describes them, and the files beside
    the graphs.

    Args:
        model: A built Keras 3 model, or a `Subject`, which adds class names and preprocessing.
        path: BASE/NAME/VERSION, or BASE/NAME for the number after the greatest one there.
        methods: Methods or their registry names; or a dict of them, by the NAME of the signature.
        score: What is explained by all of them, as in a call.
        at: Layer whose activations are explained in the place of the input, as in a call.
        example: A batch as the model takes it. It fixes axes that the model leaves free, and
            stands for the inputs of a model that declares none.
        chunk_size: Copies of an example (steps, samples, masks) that run at once, as in a call. A
            request is not split: a batch larger than that runs one copy at a time.
        overwrite: Whether a version that is there is replaced. TensorFlow Serving does not notice;
            `tfxai serve` loads it anew.

    Returns:
        The folder of the version.

    Raises:
        InvalidInputError: A method cannot be exported, the sentence says which and why.
        UnsupportedModelError: The model cannot be exported, or not explained so.
        OutputError: The version is there already, or cannot be written. Nothing is left behind.
    """
    subject = Subject.of(model)
    chosen = _named(methods)
    folder = NewVersion(path, overwrite=overwrite)
    own, fixed, leaves = layouts(subject, example)
    signatures = [serve(subject.model, own)]
    for name, method in chosen.items():
        signatures.append(
            explain(name, method, subject, fixed, score=score, at=at, chunk_size=chunk_size)
        )
    content = record(folder.name, subject, signatures)
    with folder.writing() as beside:
        _write_graphs(beside, subject.model, signatures, json.dumps(content))
        _write_extra(beside / EXTRA, content, subject, signatures, leaves)
        _write_list(beside)
    return folder.path


def _named(methods: Mapping[str, Any] | Sequence[Any]) -> dict[str, AttributionMethod]:
    """The methods by the names of their signatures.

    Raises:
        InvalidInputError: Two have one name, or a name is no word.
    """
    if isinstance(methods, str | AttributionMethod) or not methods:
        raise InvalidInputError(
            f"methods={methods!r} was expected to be a list of methods, or a dict of them by "
            "name, such as ['integrated_gradients', tfxai.GradCAM()]."
        )
    if isinstance(methods, Mapping):
        named = {name: read_method("methods", one) for name, one in methods.items()}
    else:
        several = [read_method("methods", one) for one in methods]
        named = {one.name: one for one in several}
        if len(named) < len(several):
            raise InvalidInputError(
                "A method is there twice. Pass a dict, whose keys name the signatures: "
                "{'ig_black': IntegratedGradients(), ...}."
            )
    for name in named:
        if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
            raise InvalidInputError(
                f"The signature name {name!r} is no word of letters, digits and _. Choose one."
            )
    return named


def _write_graphs(
    folder: Path, model: keras.Model, signatures: Sequence[MethodSignature], description: str
) -> None:
    """The SavedModel itself.

    Raises:
        InvalidInputError: It would not run in a server.
    """
    archive = keras.export.ExportArchive()  # other ways of saving a Keras 3 model fail in a server
    holder = tf.Module()  # tracked itself, the model would be written with each weight twice
    holder.model = model
    archive.track(holder)  # for lookup tables; variables are found in the functions
    for one in signatures:
        archive.add_endpoint(one.name, one.function)
    archive.add_endpoint(DESCRIBE, describe(description))
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what other packages deprecate meanwhile
            archive.write_out(str(folder), verbose=False)
    finally:
        logger.setLevel(level)
    found = problems(folder)
    if found:
        raise InvalidInputError(
            f"The model cannot be served: {found[0]} Nothing was written; leave out what does so."
        )


def _write_extra(
    folder: Path,
    content: dict[str, Any],
    subject: Subject,
    signatures: Sequence[MethodSignature],
    leaves: Any,
) -> None:
    folder.mkdir(exist_ok=True)
    cases = {one.name: probe(one, subject, leaves) for one in signatures}
    text = np.array([json.dumps(content).encode()])
    cases[DESCRIBE] = {EXAMPLES: np.zeros(1, np.int32)}, {DESCRIPTION: text}
    write_warmup(folder, content["model"], cases)
    write_cases(folder / CHECK, cases)
    write_record(folder, content)


def _write_list(folder: Path) -> None:
    """Names of all files and their bytes."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    listed = {one.relative_to(folder).as_posix(): one.stat().st_size for one in files}
    text = json.dumps(listed, indent=1)
    (folder / EXTRA / FILES).write_text(f"{text}\n", encoding="utf-8")
