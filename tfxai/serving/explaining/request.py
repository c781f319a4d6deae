"""The body of an `:explain` request, read and checked before anything runs."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.classes import class_index
from tfxai.errors import InvalidInputError
from tfxai.export.names import EXPLAIN, TARGET
from tfxai.serving.explaining.calling import baked_options, check_finite
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.pictures import preprocessing, read_picture, to_input
from tfxai.serving.messages.problems import bad, too_much
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import Feeds, decode_base64, is_base64, read_rows
from tfxai.serving.models.model import Model

OUTPUTS = ("attributions", "heatmap", "heatmap_png", "predictions", "tokens")
_KEYS = ("instances", "method", "target", "options", "outputs", "parameters")
PREDICTED = -1


@dataclasses.dataclass(frozen=True)
class ExplainRequest:
    """What an `:explain` request asks for.

    Args:
        method: Name of a signature without `explain_`, or of a method that asks for predictions
            alone; None where none is named.
        options: Options of the method.
        outputs: Some of `OUTPUTS`; none where none is named, and the model decides.
        instances: The examples, not yet read.
        target: A number or name of a class, None for the predicted one; or a list of them.
    """

    method: str | None
    options: dict[str, Any]
    outputs: frozenset[str]
    instances: list[Any]
    target: Any

    @classmethod
    def read(cls, body: Any, limits: ServerLimits) -> ExplainRequest:
        """The question in a body.

        Raises:
            RequestError: 400, it is none; 413, there are too many instances.
        """
        if not isinstance(body, dict):
            raise bad("The body was expected to be a JSON object with 'instances'.")
        if "inputs" in body:
            raise bad("Send 'instances', a list with an entry for each example, not 'inputs'.")
        for key in body:
            if key not in _KEYS:
                raise bad(_unknown("key", key, _KEYS))
        asked = {**_parameters(body), **body}
        instances = body.get("instances")
        if not isinstance(instances, list) or not instances:
            raise bad("'instances' was expected to be a list with at least one element.")
        if len(instances) > limits.instances:
            raise too_much("Instances", len(instances), limits.instances, "--max-instances")
        method, options = asked.get("method"), asked.get("options", {})
        if method is not None and not isinstance(method, str):
            raise bad("'method' was expected to be the name of a method.")
        if not isinstance(options, dict):
            raise bad("'options' was expected to be an object of the method's options.")
        outputs = _outputs(asked["outputs"]) if "outputs" in asked else frozenset[str]()
        return cls(method, options, outputs, instances, asked.get("target"))


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    """What clients of KServe and Vertex AI send apart from the data."""
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict):
        raise bad("'parameters' was expected to be an object.")
    for key in parameters:
        if key not in _KEYS:
            raise bad(_unknown("parameter", key, _KEYS))
    return parameters


def _outputs(asked: Any) -> frozenset[str]:
    if not isinstance(asked, list) or not asked or not all(isinstance(one, str) for one in asked):
        raise bad(f"'outputs' was expected to be a list of some of {', '.join(OUTPUTS)}.")
    for one in asked:
        if one not in OUTPUTS:
            raise bad(_unknown("output", one, OUTPUTS))
    return frozenset(asked)


def read_inputs(
    instances: Sequence[Any], model: Model, ends: Mapping[str, End], limits: ServerLimits
) -> Feeds:
    """Arrays of the instances: numbers, texts, and pictures as JPEG or PNG in base64.

    Args:
        instances: A value for each example, or an object of all inputs by name.
        model: Whose record says how pixels become inputs.
        ends: The inputs of the signature that gets them, without the target.
        limits: What is decoded.

    Raises:
        RequestError: 400 or 413, they are not what the model takes.
    """
    if len(ends) == 1:
        (name,) = ends
        instances = [
            one[name] if isinstance(one, dict) and set(one) == {name} else one for one in instances
        ]
        for one in instances:
            if isinstance(one, dict) and not is_base64(one):
                raise bad(_no_instance(one, name))
        return {name: _values(name, instances, model, ends[name], limits)}
    if not all(isinstance(one, dict) and set(one) == set(ends) for one in instances):
        raise bad(
            f"Each instance was expected to be an object with the keys {', '.join(sorted(ends))}."
        )
    return {
        name: _values(name, [one[name] for one in instances], model, end, limits)
        for name, end in ends.items()
    }


def _no_instance(one: dict[Any, Any], name: str) -> str:
    for key in ("target", "method", "options", "outputs"):
        if key in one:
            return f"{key!r} stands beside 'instances', not inside of them: \"{key}\": ..."
    keys = ", ".join(map(repr, list(one)[:5]))[:100]
    return (
        f"An instance is an object with {keys or 'no key'}. Send numbers, an image as "
        f'{{"b64": "..."}}, its file in base64, or an object with the one key {name!r}.'
    )


def _values(
    name: str, values: Sequence[Any], model: Model, end: End, limits: ServerLimits
) -> Array:
    made = _read(name, values, model, end, limits)
    check_finite(name, made)
    how = preprocessing(model.record)
    if how is not None and made.ndim == 4:
        advice = 'Send numbers as the model takes them, or an image as {"b64": "..."}.'
        try:
            how.check_range("The numbers run", made, advice)
        except InvalidInputError as error:
            raise bad(str(error)) from error
    return made


def _read(name: str, values: Sequence[Any], model: Model, end: End, limits: ServerLimits) -> Array:
    if end.dtype == "string":
        is_one = end.shape is not None and tuple(end.shape[1:]) == (1,)  # text an example
        values = [[v] if is_one and not isinstance(v, list) else v for v in values]
    elif preprocessing(model.record) is not None and any(isinstance(v, str) for v in values):
        raise bad(
            f'Input {name!r} takes no text. Send numbers, or an image as {{"b64": "..."}}, its '
            "file in base64."
        )
    if end.dtype == "string" or not any(map(is_base64, values)):
        return read_rows(list(values), {name: end})[name]
    if not all(map(is_base64, values)):
        raise bad("'instances' mixes images and numbers. Send all of one kind.")
    if end.shape is None:
        raise bad(f"Nothing is known of the shape of input {name!r}. Send numbers.")
    how, made = preprocessing(model.record), []
    for value in values:
        pixels = read_picture(decode_base64(name, value), limits.pixels)
        made.append(to_input(pixels, end.shape[1:], how))
    if len({one.shape for one in made}) > 1:
        raise bad(
            "The images differ in size, and the model takes any. Send one of them at a time."
        )
    return np.stack(made).astype(end.dtype)


def read_target(target: Any, count: int, model: Model, end: End | None) -> Array:
    """The outputs to explain, int32 (B,) or (B, axes), -1 for the predicted class.

    Args:
        target: A number, the name of a class, None; or a list of these with one an example.
        count: B.
        model: Whose record names the classes.
        end: What a signature takes, None where it is (B,).

    Raises:
        RequestError: 400, it is none.
    """
    axes = end.shape[1] if end is not None and end.shape is not None and len(end.shape) > 1 else 0
    if axes:
        several = _numbers(target, axes)
        if several.shape == (axes,):
            several = np.repeat(several[None], count, axis=0)
        if several.shape != (count, axes):
            raise bad(
                f"'target' was expected to be {axes} numbers, or a list of {count} of these."
            )
        return several
    if not isinstance(target, list):
        target = [target] * count
    if len(target) != count:
        raise bad(f"'target' has {len(target)} entries, and there are {count} instances.")
    return np.array([_one_target(one, model) for one in target], np.int32)


def _numbers(target: Any, axes: int) -> Array:
    try:
        found = np.asarray(target)
    except ValueError:
        found = np.zeros(0)
    if found.dtype.kind not in "iu" or np.abs(found.astype(float)).max(initial=0) >= 2**31:
        raise bad(f"'target' was expected to be {axes} whole numbers, one for each axis.")
    return found.astype(np.int32)


def _one_target(target: Any, model: Model) -> int:
    if target is None:
        return PREDICTED
    if isinstance(target, str):
        names = (model.record or {}).get("class_names")
        if not isinstance(names, list):
            raise bad(
                f"There is no class {target!r}: the export names no classes. Send its number."
            )
        index = class_index(target, names)
        if index is None:
            raise bad(_unknown("class", target, map(str, names)))
        return index
    if isinstance(target, bool) or not isinstance(target, int) or not PREDICTED <= target < 2**31:
        raise bad(
            "'target' was expected to be the number or name of a class, null or -1 for the "
            "predicted one, or a list of these."
        )
    return target


def check_baked(question: ExplainRequest, name: str, model: Model) -> None:
    """Whether a signature does what is asked: its options are those of the export.

    Raises:
        RequestError: 400, it has another option.
    """
    baked = baked_options(model, f"{EXPLAIN}{name}")
    for option, value in question.options.items():
        if option not in baked:
            raise bad(_unknown(f"option of {name}", option, baked))
        if _plain(baked[option]) != _plain(value):
            raise bad(
                f"{name} was exported with {option}={baked[option]!r}, which a request cannot "
                f"change to {value!r}. Leave it out, or export it again with "
                f"--option {name}.{option}=..."
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def without_target(ends: Mapping[str, End]) -> dict[str, End]:
    """The model's own inputs among those of an explanation."""
    return {name: end for name, end in ends.items() if name != TARGET}


def _unknown(kind: str, name: str, known: Any) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known[:20]) or 'none'}."
    return f"There is no {kind} {name[:100]!r}. {hint}"
