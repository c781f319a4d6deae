"""alibi's IntegratedGradients."""

from __future__ import annotations

import copy
import pprint
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import keras
import numpy as np

from tfxai import __version__
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.compat.alibi.api.defaults import DEFAULT_DATA_INTGRAD, DEFAULT_META_INTGRAD
from tfxai.compat.alibi.api.interfaces import Explanation
from tfxai.compat.alibi.explainers import given, layer_runs
from tfxai.compat.alibi.explainers.called_model import (
    CalledModel,
    input_name,
    keyword_name,
    path_of,
)
from tfxai.compat.alibi.explainers.given import baselines_of, leaves_of, target_by, target_of
from tfxai.compat.alibi.saving import SAVE_THE_MODEL
from tfxai.compat.departures import tell_departure
from tfxai.core.inputs.reading import read_inputs
from tfxai.errors import (
    InvalidInputError,
    TfxaiWarning,
    UnknownNameError,
    UnsupportedModelError,
)
from tfxai.methods import IntegratedGradients as Method
from tfxai.subject import Subject

RULES = {
    "gausslegendre": "gauss_legendre",
    "riemann_left": "riemann_left",
    "riemann_right": "riemann_right",
    "riemann_middle": "riemann_middle",
    "riemann_trapezoid": "riemann_trapezoid",
}
"""alibi's names of the quadrature rules, and tfxai's."""
# The names under which alibi has them.
_check_target = given.check_target
_get_target_from_target_fn = layer_runs.target_from_target_fn
_run_forward_from_layer = layer_runs.run_forward_from_layer
_run_forward_to_layer = layer_runs.run_forward_to_layer
_select_target = layer_runs.select


class IntegratedGradients:
    """Shares out a model's output, set against a baseline, over its inputs or a layer.

    Explained is the output as the model returns it, mostly a probability.

    Args:
        model: A Keras model of one output: Sequential, Functional or subclassed.
        layer: A layer whose output is explained in the place of the inputs, or a function from
            the model to it; it may lie inside of other layers.
        target_fn: From the predictions (B, N) to the output that is explained, (B,), such as
            `partial(np.argmax, axis=1)`.
        method: `"gausslegendre"`, `"riemann_left"`, `"riemann_right"`, `"riemann_middle"` or
            `"riemann_trapezoid"`. alibi's weights of the trapezoid add up to (n - 1) / n, and so
            they do here.
        n_steps: Points on the path, at least 1 (2 for the trapezoid).
        internal_batch_size: Most rows that run at once, at least 1; fewer where memory is short.
        exact: Take the weights of the trapezoid rule that add up to 1.

    Raises:
        UnsupportedModelError: `layer` is no layer.
        InvalidInputError: Another option does not fit.
    """

    departure = (
        "The weights of riemann_trapezoid are alibi's, which add up to (n_steps - 1) / n_steps: "
        "all attributions are too small by this factor. IntegratedGradients(..., exact=True) "
        "takes those of the rule."
    )

    def __init__(
        self,
        model: Any,
        layer: Any = None,
        target_fn: Callable[[Any], Any] | None = None,
        method: str = "gausslegendre",
        n_steps: int = 50,
        internal_batch_size: int = 100,
        *,
        exact: bool = False,
    ) -> None:
        if method not in RULES:
            raise UnknownNameError.of("method", str(method), RULES)
        if isinstance(internal_batch_size, bool) or not internal_batch_size >= 1:
            raise InvalidInputError(
                f"internal_batch_size={internal_batch_size!r} was expected to be at least 1."
            )
        Method(steps=n_steps, rule=RULES[method])  # checks n_steps
        self.target_fn, self.method, self.n_steps = target_fn, method, n_steps
        self.internal_batch_size, self.exact = internal_batch_size, exact
        self._given_layer = layer
        self.reset_predictor(model)
        self.meta = copy.deepcopy(DEFAULT_META_INTGRAD)
        self.meta |= {"name": type(self).__name__, "version": __version__}
        self.meta["params"] = {
            "target_fn": target_fn,
            "method": method,
            "n_steps": n_steps,
            "internal_batch_size": internal_batch_size,
            "layer": self._layer_in_words(),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(meta={pprint.pformat(self.meta)})"

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("save", "load"):
            raise AttributeError(f"tfxai does not replace alibi's {name!r}. {SAVE_THE_MODEL}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def reset_predictor(self, predictor: Any) -> None:
        """Explains another model from now on.

        Args:
            predictor: The model. A layer that was given as a function is looked up in it.

        Raises:
            UnsupportedModelError: There is no layer to be had from it.
        """
        self.model = predictor
        layer = self._given_layer
        if layer is not None and not isinstance(layer, keras.Layer) and callable(layer):
            layer = layer(predictor)
        if layer is not None and not isinstance(layer, keras.Layer):
            raise UnsupportedModelError(
                f"layer is a {type(layer).__name__}, and a Keras layer or a function from the "
                "model to one was expected. Pass model.get_layer('name')."
            )
        self.layer = layer
        self._called: dict[Any, CalledModel] = {}

    def explain(
        self,
        X: Any,
        forward_kwargs: dict[str, Any] | None = None,
        baselines: Any = None,
        target: Any = None,
        attribute_to_layer_inputs: bool = False,
    ) -> Explanation:
        """Explains one output for each example.

        Args:
            X: (B, ...) the inputs; a list of arrays for a model of several.
            forward_kwargs: Keyword arguments of the model's call, arrays (B, ...). They are held.
            baselines: None for zeros, a number, or an array like X; a list of these for a list.
            target: The index of an output, or (B,) one for each example; (B, r) where each
                example has outputs with r axes; None of a model of one output. Of one output the
                target 1 is the output itself, and 0 minus it: the class that it speaks against.
            attribute_to_layer_inputs: Explain what the layer is given, not what it returns;
                nothing to say without a layer.

        Returns:
            `Explanation` with `attributions`, a list with an array like each input, or one like
            the layer's output; `X`, `forward_kwargs`, `baselines`; `predictions` (B, ...);
            `deltas` (B,), by how much the sum of the attributions is larger than the difference
            of the output to that at the baseline; `target`.

        Raises:
            TfxaiError: An argument does not fit the model; the sentence says how.
        """
        leaves = leaves_of(X)
        starts = baselines_of(baselines, X)
        begins = starts if isinstance(starts, list) else [starts]
        inputs: Any = tuple(leaves) if len(leaves) > 1 else leaves[0]
        begin: Any = begins if len(leaves) > 1 else begins[0]
        keywords = _checked(forward_kwargs, len(leaves[0]))
        if keywords:
            held = {keyword_name(name): array for name, array in keywords.items()}
            inputs = {input_name(i): leaf for i, leaf in enumerate(leaves)} | held
            begin = {input_name(i): leaf for i, leaf in enumerate(begins)} | held
        model = self._model(
            tuple(keywords), tapped=attribute_to_layer_inputs and self.layer is not None
        )
        predictions = Subject.of(model).predict(inputs)
        target = self._target(target, predictions)
        found = self._ask(model, inputs, begin, target, predictions.shape[1:])
        sign = np.ones(len(predictions))
        if target is not None and predictions.shape[1:] in ((), (1,)):
            sign = np.where(target == 0, -1.0, 1.0)
        attributions = self._attributions(found, sign)
        total = sum(one.reshape(len(one), -1).sum(axis=1, dtype=float) for one in attributions)
        change = np.asarray(found.score, float) - np.asarray(found.baseline_score, float)
        data = {
            **DEFAULT_DATA_INTGRAD,
            "attributions": attributions,
            "X": X,
            "forward_kwargs": forward_kwargs or {},
            "baselines": starts,
            "predictions": predictions,
            "deltas": total - sign * change,
            "target": target,
        }
        return Explanation(meta=copy.deepcopy(self.meta), data=data)

    def _layer_in_words(self) -> int | str:
        """What `meta` says of the layer: its number in the model, or how it was given."""
        if self.layer is None:
            return "unspecified"
        if not isinstance(self._given_layer, keras.Layer):
            return "callable"
        numbers = [i for i, one in enumerate(self.model.layers) if one is self.layer]
        return numbers[0] if numbers else str(self.layer.name)

    def _model(self, keywords: tuple[str, ...], *, tapped: bool) -> Any:
        """What is explained: the model itself, or how it is called."""
        if not keywords and not tapped:
            return self.model
        key = (keywords, tapped)
        if key not in self._called:
            self._called[key] = CalledModel(self.model, keywords, self.layer if tapped else None)
        return self._called[key]

    def _target(self, target: Any, predictions: Array) -> Array | None:
        if self.target_fn is None:
            return target_of(target, predictions)
        if target is not None:
            raise InvalidInputError(
                "Both target and the explainer's target_fn were given. Leave out one of them."
            )
        if predictions.shape[1:] in ((), (1,)):
            warnings.warn(
                "The model has one output, so target_fn has nothing to choose and is left out.",
                TfxaiWarning,
                stacklevel=3,
            )
            return None
        return target_of(target_by(self.target_fn, predictions), predictions)

    def _ask(
        self, model: Any, inputs: Any, begin: Any, target: Array | None, axes: tuple[int, ...]
    ) -> Attribution:
        """Tfxai's answer."""
        at = None
        if self.layer is not None:
            is_tapped = isinstance(model, CalledModel) and model.is_tapped
            at = path_of(model, model.tap if is_tapped else self.layer, inputs)
        elif isinstance(begin, dict | list):
            begin = _along_floats(model, inputs, begin)
        method = Method(steps=self.n_steps, rule=RULES[self.method], baseline=begin)
        asked: Any = target
        if axes in ((), (1,)):  # of one output the sign says which class
            asked = 0 if axes else None
        most = self.internal_batch_size
        rows: int | str = "auto" if most >= 50 else most  # auto never takes more than 50
        with warnings.catch_warnings():  # the deltas say how far the sums are off
            warnings.simplefilter("ignore", TfxaiWarning)
            return method(model, inputs, asked, score="output", at=at, chunk_size=rows)

    def _attributions(self, found: Attribution, sign: Array) -> list[Array]:
        """The values of each input, or those at the layer."""
        factor = sign
        if self.method == "riemann_trapezoid" and not self.exact:
            tell_departure(self, self.departure)
            factor = sign * (self.n_steps - 1) / self.n_steps
        values = found.values
        parts = values if isinstance(values, dict) else {"": values}
        dtype = np.float64 if found.at is None else None
        return [
            np.asarray(one * factor.reshape(-1, *[1] * (one.ndim - 1)), dtype or one.dtype)
            for name, one in parts.items()
            if not name.startswith(keyword_name(""))
        ]


def _along_floats(model: Any, inputs: Any, begin: Any) -> dict[str, Array]:
    """The baselines of the inputs that have a gradient, by name.

    Raises:
        UnsupportedModelError: An input has none.
    """
    layout, _ = read_inputs(model, inputs)
    begin = begin if isinstance(begin, dict) else dict(zip(layout.names, begin, strict=True))
    held = [layout.names[i] for i in layout.held]
    without = [name for name in held if not name.startswith(keyword_name(""))]
    if without:
        raise UnsupportedModelError(
            f"Of the inputs {list(layout.names)}, {without} hold no floating-point numbers, so "
            "there is no gradient along them. Explain a layer behind them with layer=."
        )
    return {name: array for name, array in begin.items() if name not in held}


def _checked(forward_kwargs: Any, count: int) -> dict[str, Array]:
    """Keyword arguments as arrays with a row for each example."""
    if forward_kwargs is None:
        return {}
    if not isinstance(forward_kwargs, dict):
        raise InvalidInputError(
            f"forward_kwargs is a {type(forward_kwargs).__name__}, and a dict of arrays was "
            "expected. Pass the keyword arguments of the model's call by name."
        )
    arrays = {name: np.asarray(value) for name, value in forward_kwargs.items()}
    for name, array in arrays.items():
        if array.ndim == 0 or len(array) != count:
            raise InvalidInputError(
                f"forward_kwargs[{name!r}] has shape {array.shape}, and {count} examples were "
                "expected on its first axis. Repeat it for each example."
            )
    return arrays
