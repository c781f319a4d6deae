"""A call with texts: the same call with ids and masks, and its answer told by token."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.baseline_records import Activations, Mask, OfTokens, Pad, Text
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.errors import InvalidInputError
from tfxai.subject import Subject
from tfxai.text.encoders import Encoded, Encoder
from tfxai.text.networks import BehindLookup
from tfxai.tokens import WORD

if TYPE_CHECKING:
    from tfxai.methods.base import AttributionMethod

_PAD: dict[str, Any] = {"name": Pad.name, "options": {}}
_ADVICE = "Pass 'pad', 'mask', 'zero', a text of several words, or tfxai.baselines.Text(text)."


@dataclasses.dataclass(frozen=True)
class Asked:
    """Texts, and how they reach the model.

    Args:
        subject: The model.
        encoder: Its tokenizer.
        encoded: The texts as the model takes them.
        others: Ids of the texts that are a baseline, (T,) each by the text.
    """

    subject: Subject
    encoder: Encoder
    encoded: Encoded
    others: dict[str, Array]

    @classmethod
    def of(cls, method: AttributionMethod, subject: Subject, texts: Sequence[str]) -> Asked:
        """The texts, encoded together with those that are a baseline of the method."""
        encoder = subject.encoder
        if encoder is None:
            raise InvalidInputError("The model takes no texts. Pass arrays.")
        given = list(dict.fromkeys(filter(None, map(text_of, method._baselines()))))
        whole = encoder.encode([*texts, *given])
        count = len(texts)
        rows = {name: array[:count] for name, array in whole.inputs.items()}
        notes = encoder.encode(texts).notes if given else whole.notes
        encoded = dataclasses.replace(
            whole, inputs=rows, tokens=whole.tokens[:count], notes=tuple(notes)
        )
        ids = whole.inputs[whole.ids][count:]
        return cls(subject, encoder, encoded, dict(zip(given, ids, strict=True)))

    def replaced_ids(self, baseline: Any) -> Array:
        """(B, T) ids with another token in the place of each that is not special.

        Raises:
            InvalidInputError: The baseline is of no tokens, or there is no such token.
        """
        ids, kinds = self.encoded.inputs[self.encoded.ids], self.encoded.tokens.kinds
        if (text := text_of(baseline)) is not None:
            return np.broadcast_to(self.others[text], ids.shape).astype(ids.dtype)
        if baseline is None or isinstance(baseline, Pad):
            token: int | None = self.encoder.pad_id
        elif isinstance(baseline, Mask):
            token = self.encoder.mask_id
            token = self.encoder.unknown_id() if token is None else token
        else:
            raise InvalidInputError(f"baseline={baseline!r} is none of texts. {_ADVICE}")
        if token is None:
            raise InvalidInputError(
                "baseline='mask' was given, and the tokenizer has no mask token, nor one of "
                "unknown words. Pass 'pad', 'zero' or a text."
            )
        return np.where(kinds == WORD, token, ids).astype(ids.dtype)


def explain_texts(
    method: AttributionMethod, subject: Subject, texts: Sequence[str], target: Any, **asked: Any
) -> Attribution:
    """Explains texts: at the embedding of tokens, or by tokens that are there or are not.

    Args:
        method: The method.
        subject: The model.
        texts: The texts.
        target: As for a call.
        **asked: The other arguments of a call.
    """
    return explain_asked(method, Asked.of(method, subject, texts), target, **asked)


def explain_asked(
    method: AttributionMethod, given: Asked, target: Any, **asked: Any
) -> Attribution:
    """As `explain_texts`, of texts that were made ids of."""
    from tfxai.methods.by_token import explain_by_token

    if method.is_black_box and asked["at"] is None:
        found = explain_by_token(method, given, target, **asked)
    else:
        found = _at_embedding(method, given, target, **asked)
    return told(found, given, method)


def told(found: Attribution, given: Asked, method: AttributionMethod) -> Attribution:
    """An answer about ids as one about texts."""
    encoded = given.encoded
    inputs: Any = encoded.given()
    is_replaced = found.at is None and not encoded.mask  # for a model without a mask
    if isinstance(given.subject.of_ids, BehindLookup):
        inputs = encoded.tokens.texts
    values: Any = found.values
    is_map = found.is_map and np.shape(values) != encoded.tokens.kinds.shape
    return dataclasses.replace(
        found,
        inputs=inputs,
        is_map=is_map,
        layer_axes=found.layer_axes if np.ndim(values) == 3 else "",
        text=encoded.tokens,
        notes=(*encoded.notes, *found.notes),
        method=_record(found.method, method, usual=_PAD if is_replaced else None),
        axes="",
        held=(),
    )


def _at_embedding(
    method: AttributionMethod, given: Asked, target: Any, **asked: Any
) -> Attribution:
    """The same call with ids, compared with ids of the baseline."""
    model = Subject(given.subject.of_ids, given.subject.card)
    with_ids = _with_baselines(method, given)
    return with_ids._answer(model, given.encoded.given(), target, **asked)


def _with_baselines(method: AttributionMethod, given: Asked) -> AttributionMethod:
    """The method, compared with ids; methods inside of it likewise."""
    changed: dict[str, Any] = {
        name: _with_baselines(inner, given) for name, inner in method._inner().items()
    }
    if "baseline" in method.program_inputs:
        changed["baseline"] = _as_ids(method._options()["baseline"], given)
    return dataclasses.replace(method, **changed) if changed else method


def _as_ids(baseline: Any, given: Asked) -> Any:
    """A baseline of tokens as one of everything that the model takes."""
    of_texts = baseline is None or isinstance(baseline, OfTokens) or text_of(baseline) is not None
    if not of_texts:
        if isinstance(baseline, FrozenArray | FrozenArrays | Activations):
            return baseline
        raise InvalidInputError(f"baseline={baseline!r} is none of texts. {_ADVICE}")
    encoded = given.encoded
    inputs = encoded.inputs | {encoded.ids: given.replaced_ids(baseline)}
    if set(inputs) == {""}:
        return FrozenArray(inputs[""])
    return FrozenArrays(tuple((name, FrozenArray(array)) for name, array in inputs.items()))


def text_of(baseline: Any) -> str | None:
    """The text that a baseline is, None where it is none."""
    if isinstance(baseline, Text):
        return baseline.text
    if isinstance(baseline, FrozenArrays) and len(baseline.parts) == 1:
        only = baseline.parts[0][1]
        return only if isinstance(only, str) and only.strip() else None
    return None


def _record(
    record: dict[str, Any], method: AttributionMethod, usual: dict[str, Any] | None
) -> dict[str, Any]:
    """Name and options of a method: texts, and no ids, are compared with.

    Args:
        record: That of the method which answered.
        method: The method as it was asked.
        usual: The baseline where none was given; None is what the method says of itself.
    """
    options = dict(record["options"])
    own = method._record()["options"]
    for name in ("mask", "groups", "baseline"):
        if name in own and name in options:
            options[name] = own[name]
    if options.get("baseline", usual) is None and "baseline" in method.program_inputs:
        options["baseline"] = copy.deepcopy(usual)
    for name, inner in method._inner().items():
        options[name] = _record(options[name], inner, usual)
    return {**record, "options": options}
