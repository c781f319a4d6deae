"""Why a language model goes on as it does: each token of a prompt for each token it adds."""

from __future__ import annotations

import dataclasses
import html
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.frames import imported_pandas
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.options import Option
from tfxai.core.propagation.steps import NoRuleError
from tfxai.errors import InvalidInputError, TfxaiWarning, UnsupportedModelError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.by_name import create
from tfxai.methods.by_token import SIZES
from tfxai.methods.texts import Asked, explain_asked, text_of
from tfxai.progress import Report
from tfxai.subject import Subject
from tfxai.text.continuations import NUMBERS, Continuation, Language
from tfxai.text.encoders import Encoded
from tfxai.text.networks import around
from tfxai.tokens import KINDS, WORD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORES = ("log_probability", "logit")


@dataclasses.dataclass(frozen=True, eq=False)
class Generation:
    """What each token of a prompt adds to each token that a model goes on with.

    Args:
        values: (T, N) of T tokens of the prompt and N of the continuation, signed, in units of
            the score; (T, 1) where the continuation was explained as a whole.
        prompt: The prompt.
        continuation: The text that follows it.
        input_tokens: T tokens of the prompt as the vocabulary writes them, a start token too.
        input_kinds: Of each `"word"` or `"special"`.
        output_tokens: N tokens of the continuation, however it was explained.
        output_values: What the tokens of the continuation add themselves to each column of
            `values`, summed; 0 for methods that leave them as they are.
        log_probabilities: (N,) natural logarithm of the probability of each of them behind all
            tokens before it.
        attribution: What the method says of each column of `values`, an example each: `score`,
            `baseline_score`, `completeness_gap`, `details`, `remarks`.
    """

    values: Array
    prompt: str
    continuation: str
    input_tokens: tuple[str, ...]
    input_kinds: tuple[str, ...]
    output_tokens: tuple[str, ...]
    output_values: Array
    log_probabilities: Array
    attribution: Attribution

    def __repr__(self) -> str:
        whole = " as a whole" if self.is_whole else ""
        return (
            f"Generation({self.attribution.method['name']}, values {self.values.shape}: "
            f"{len(self.input_tokens)} tokens of the prompt, "
            f"{len(self.output_tokens)} of the continuation{whole}, "
            f"score={self.attribution.score_name!r})"
        )

    @property
    def is_whole(self) -> bool:
        """Whether one score was explained for the whole continuation."""
        return int(self.attribution.target[0]) == 0

    @property
    def column_names(self) -> tuple[str, ...]:
        """What each column of `values` is of: an output token, or the continuation."""
        return (self.continuation,) if self.is_whole else self.output_tokens

    @property
    def total(self) -> Array:
        """(T,) the values of the prompt's tokens, summed over the columns."""
        return np.asarray(self.values.sum(axis=1))

    def to_pandas(self) -> Any:
        """A pandas DataFrame with a row for each token of the prompt and each column of values.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows, columns = (axis.ravel() for axis in np.indices(self.values.shape))
        return imported_pandas().DataFrame(
            {
                "input_position": rows,
                "input_token": [self.input_tokens[i] for i in rows],
                "kind": [self.input_kinds[i] for i in rows],
                "output_position": columns,
                "output": [self.column_names[j] for j in columns],
                "value": self.values.ravel(),
            }
        )

    def plot(self, *, path: str | os.PathLike[str] | None = None, figsize: Any = None) -> Figure:
        """The values as a heatmap with a row for each token of the prompt.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches, or (width, height); None is what the tokens need.

        Raises:
            InvalidInputError: `figsize` does not fit.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.generation import plot_generation

        return plot_generation(self, path=path, figsize=figsize)

    def _repr_html_(self) -> str:
        """The heatmap, and what to know before one believes it, for notebooks."""
        from tfxai.plotting.figures import figure_html

        notes = "".join(f"<li>{html.escape(one)}</li>" for one in self.attribution.remarks)
        notes = f"<ul>{notes}</ul>" if notes else ""
        return f"<p><code>{html.escape(repr(self))}</code></p>{figure_html(self.plot())}{notes}"


def explain_generation(  # noqa: PLR0913 - what is asked, how, and what it may cost
    subject: Any,
    prompt: str,
    continuation: str | None = None,
    *,
    method: AttributionMethod | str = "feature_ablation",
    score: str = "log_probability",
    whole: bool = False,
    max_tokens: int = 20,
    chunk_size: int | str = "auto",
    progress: bool | Report | None = None,
) -> Generation:
    """Why a causal language model goes on with these tokens: each token of the prompt for each.

    The score of an output token is its log-probability behind the prompt and the output tokens
    before it, which stay as they are. The tokens of the prompt are explained, by any method that
    works by token: one that needs no gradient drops tokens, words (`mask="words"`) or sentences,
    or puts others in their place (`baseline=`); one of gradients explains their embeddings.

    Args:
        subject: A `CausalLM` of KerasHub with its preprocessor, or a `Subject` of one.
        prompt: The text before the continuation, of at least one token.
        continuation: The text whose tokens are explained; a space in front belongs to it. None
            is what the model goes on with when it always takes the likeliest token.
        method: A method, or its name. A `mask` of integers has one for each token of the prompt,
            a start token too.
        score: `"log_probability"`, natural logarithm; or `"logit"`, before the softmax, for
            methods that go back through the model by rules.
        whole: Whether the continuation is explained as one, by the sum of the scores of its
            tokens, in the place of token by token.
        max_tokens: Most tokens that the model goes on with where there is no continuation, at
            least 1; it stops before a token that ends the text.
        chunk_size: As for a method.
        progress: As for a method.

    Returns:
        `Generation`, with values (T, N).

    Raises:
        UnsupportedModelError: The model is no causal language model of KerasHub, or the method
            cannot explain it.
        InvalidInputError: Prompt or continuation are empty or longer than the model takes, the
            model ends the text at once, or the method is none of tokens.

    Example:
        >>> model = keras_hub.models.CausalLM.from_preset("gpt2_base_en")  # doctest: +SKIP
        >>> g = tfxai.explain_generation(model, "The capital of France is")  # doctest: +SKIP
        >>> g.values.shape, len(g.output_tokens)  # doctest: +SKIP
        ((6, 20), 20)
    """
    subject = Subject.of(subject)
    chosen = create(method) if isinstance(method, str) else method
    _check(chosen, score, max_tokens)
    language = Language.of(subject.model, subject.encoder)
    before = language.prompt_ids(prompt)
    if continuation is None:
        after = _greedy(language, before, max_tokens)
    else:
        after = language.continuation_ids(continuation)
    language.check_length(before, len(after))
    encoded = _rows(language, before, after, whole=whole)
    target = [0] if whole else list(range(1, len(after) + 1))
    asked: dict[str, Any] = {"chunk_size": chunk_size, "progress": progress}
    found = _explained(language, chosen, encoded, target, score=score, **asked)
    values = found.token_values[:, : len(before)].T
    if found.remarks:
        warnings.warn(" ".join(found.remarks), TfxaiWarning, stacklevel=2)
    pieces = [str(piece) for piece in encoded.tokens.pieces[0, : len(before) + len(after)]]
    text = continuation or language.encoder.text(after)
    return Generation(
        values=values,
        prompt=prompt,
        continuation=text,
        input_tokens=tuple(pieces[: len(before)]),
        input_kinds=tuple(KINDS[kind] for kind in encoded.tokens.kinds[0, : len(before)]),
        output_tokens=tuple(pieces[len(before) :]),
        output_values=found.token_values[:, len(before) :].sum(axis=1),
        log_probabilities=_log_probabilities(language, encoded)[: len(after)],
        attribution=dataclasses.replace(
            found,
            score_name=score.replace("_", "-"),
            class_names=(text, *pieces[len(before) :]),
        ),
    )


def _check(method: Any, score: str, max_tokens: Any) -> None:
    if not isinstance(method, AttributionMethod):
        raise InvalidInputError(
            f"method={method!r} was expected to be a method such as tfxai.FeatureAblation(), or "
            "its name."
        )
    if any(map(text_of, method._baselines())):
        raise InvalidInputError(
            "A text was given as baseline, and the tokens of a prompt are compared with others "
            "in their place. Pass 'pad', 'mask', 'zero' for a method of gradients, or None."
        )
    Option(kind=str, choices=SCORES, noun="score").read("score", score)
    Option(kind=int, at_least=1).read("max_tokens", max_tokens)


def _room(count: int) -> int:
    """A number of tokens of few, so that few programs are compiled."""
    return next((size for size in SIZES if size >= count), -(-count // SIZES[-1]) * SIZES[-1])


def _greedy(language: Language, prompt: list[int], most: int) -> list[int]:
    """Ids of what the model goes on with, the likeliest token each time."""
    language.check_length(prompt, 1)
    most = min(most, language.limit - len(prompt))
    room = min(_room(len(prompt) + most), language.limit)
    ids = list(prompt)
    while len(ids) < len(prompt) + most:
        logits = Subject(language.model).predict(language.inputs(ids, room))
        best = int(logits[0, len(ids) - 1].argmax())
        if best in language.end_ids:
            break
        ids.append(best)
    if len(ids) == len(prompt):
        raise InvalidInputError(
            "The model ends the text right behind the prompt, so there is no continuation to "
            "explain. Pass continuation=, or another prompt."
        )
    return ids[len(prompt) :]


def _rows(language: Language, prompt: list[int], after: list[int], *, whole: bool) -> Encoded:
    """A row for each output token, or one for all of them."""
    room = min(_room(len(prompt) + len(after)), language.limit)
    return language.encoded(prompt, after, room, 1 if whole else len(after))


def _model(language: Language, encoded: Encoded, gives: str) -> Subject:
    """The model of what is said of each token of the continuation."""
    count = _room(int(encoded.inputs[NUMBERS].max()))
    key = ("continuation", count, gives)
    made = around(language.model, key, lambda: Continuation(language.model, count, gives))
    return Subject(made)


def _log_probabilities(language: Language, encoded: Encoded) -> Array:
    """(N,) of the tokens of the continuation, and 0 behind them."""
    first = {name: array[:1] for name, array in encoded.inputs.items()}
    return _model(language, encoded, SCORES[0]).predict(first)[0, 1:]


def _explained(
    language: Language,
    method: AttributionMethod,
    encoded: Encoded,
    target: list[int],
    *,
    score: str,
    **asked: Any,
) -> Attribution:
    """What the method says of each row."""
    drops = method.is_black_box and not any(one is not None for one in method._baselines())
    if drops and encoded.tokens.kinds[0, 0] == WORD:
        raise InvalidInputError(
            f"{method.name} drops tokens, and the tokenizer puts no start token before a prompt: "
            "of a prompt without tokens the model says nothing. Pass baseline='pad' or 'mask', "
            "which put another token in their place."
        )
    given = Asked(_model(language, encoded, score), language.encoder, encoded, {})
    fitted = _fitted(method, encoded)
    try:
        return explain_asked(fitted, given, target, score="output", at=None, **asked)
    except NoRuleError as error:
        if error.op.type != "LogSoftmax":
            raise
        raise UnsupportedModelError(
            f"{method.name} goes back through the model by rules, and there is none for the "
            "softmax that a log-probability is made by. Pass score='logit'."
        ) from error


def _fitted(method: AttributionMethod, encoded: Encoded) -> AttributionMethod:
    """The method with a mask of a prompt's tokens laid over the tokens that there is room for."""
    mask = method._options().get("mask")
    if not isinstance(mask, FrozenArray):
        return method
    numbers = encoded.inputs[NUMBERS][0]
    count, room = int(np.argmax(numbers > 0)), len(numbers)
    if mask.array.shape != (count,):
        raise InvalidInputError(
            f"mask has {mask.array.size} numbers, and the prompt has {count} tokens, a start "
            "token among them. Pass a number for each, 'tokens', 'words' or 'sentences'."
        )
    padded = np.pad(mask.array, (0, room - count))
    return dataclasses.replace(method, **{"mask": padded})
