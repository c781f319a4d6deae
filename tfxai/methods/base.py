"""What every method is: a frozen record of options, and one call for all of them."""

from __future__ import annotations

import abc
import dataclasses
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self, TypeVar, cast

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.columns import Columns
from tfxai.core.designs.masks import joined_features
from tfxai.core.inputs.baseline_records import Samples
from tfxai.core.inputs.baselines import is_of_activations, read_activations, read_baseline
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays, listed
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.reading import read_columns, read_inputs
from tfxai.core.model.cache import looked_at_once
from tfxai.core.model.functions import PredictFunction, function_model, is_function
from tfxai.core.model.structure import ModelStructure, model_structure
from tfxai.core.options import Declared
from tfxai.core.program import Plan, Values
from tfxai.core.question.scores import (
    ScoreKind,
)
from tfxai.core.score import Score
from tfxai.errors import (
    InvalidInputError,
    TfxaiWarning,
    UnsupportedModelError,
)
from tfxai.methods.advice import check_start, no_gradient
from tfxai.methods.asking import read_question
from tfxai.methods.by_name import check_options, create, get, names, register
from tfxai.methods.prepared import Prepared
from tfxai.methods.running import counting_passes, in_slices, within_memory
from tfxai.methods.tasks import Task
from tfxai.methods.texts import explain_texts
from tfxai.progress import Report, shown
from tfxai.subject import Subject
from tfxai.text.networks import ByToken

Made = TypeVar("Made")


class _ByName(abc.ABCMeta):
    """Makes methods from options by name, and says so where something else is passed.

    Its call is typed as giving one of the class: only then does Pyright read the fields too.
    """

    def __call__(cls: type[Made], *args: Any, **options: Any) -> Made:
        name = cls.__name__
        if args and isinstance(args[0], keras.Model | Subject):
            raise InvalidInputError(
                f"A model was passed to {name}(), which takes options only. Pass the model to the "
                f"method that it makes: {name}(...)(model, inputs)."
            )
        known = [field.name for field in dataclasses.fields(cast(Any, cls))]
        if args:
            such = f", such as {name}({known[0]}=...)" if known else ""
            raise InvalidInputError(
                f"{name}() was given {len(args)} values without names, and takes options by name"
                f"{such}. The model and its inputs go to the method: {name}(...)(model, inputs)."
            )
        check_options(cast(Any, cls), options, name)
        return type.__call__(cls, **options)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributionMethod(Declared, abc.ABC, metaclass=_ByName):
    """Base of all attribution methods.

    A subclass is a frozen dataclass whose fields are the options that change the values, and
    writes `_attribute`, which reads like its paper. Giving it a `name` registers it, unless the
    class says `is_named=False`.
    """

    name: ClassVar[str]
    default_score: ClassVar[str] = "logit"
    """What is explained unless the user says otherwise."""
    completes: ClassVar[bool] = False
    """Whether the values add up to score - baseline_score; needs a field `baseline`."""
    is_map: ClassVar[bool] = False
    """Whether the values are maps (B, h, w) at a layer's resolution."""
    takes_at: ClassVar[bool] = True
    """Whether `at=` makes sense for the method."""
    is_of_layer: ClassVar[bool] = False
    """Whether the values are of the units of the option `layer`, shaped like its output."""
    is_black_box: ClassVar[bool] = False
    """Whether the method asks for scores only, so that a function will do for a model."""
    takes_any_input: ClassVar[bool] = False
    """Whether the method takes no gradient by the inputs, so that they may be of any type."""
    is_by_input: ClassVar[bool] = False
    """Whether each of several inputs is explained by itself, the others held."""
    fits_features: ClassVar[bool] = False
    """Whether the values of all features are fitted together, so that one more changes them."""
    keeps_every_layer: ClassVar[bool] = False
    """Whether all layers' outputs stay in memory together, beyond a pass and its gradient."""
    needs_attention: ClassVar[bool] = False
    """Whether the method explains models with attention only."""
    host_stage: ClassVar[str] = "finishes its values"
    """What a method that writes `_finish` does there, to follow "It" in a sentence."""
    program_inputs: ClassVar[tuple[str, ...]] = ()
    """Options that the input is compared with. They reach the program as `f.baseline`."""

    def __init_subclass__(cls, *, is_named: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_named and "name" in vars(cls):
            register(cls)

    @abc.abstractmethod
    def _attribute(self, f: Score, x: tf.Tensor) -> Values:
        """The values at x, in TensorFlow operations that can be traced.

        A pair of values and a dict tells more about each example: `Attribution.details`.
        """

    def _values(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        """What `_attribute` gives, without details: for methods that take others (`of=`)."""
        found = self._attribute(f, x)
        return cast(tf.Tensor, found[0] if isinstance(found, tuple) else found)

    def _bound(self, body: ModelStructure) -> Self:
        """The method with the options that it takes from the model filled in."""
        if self.is_of_layer:
            _check_layer(str(self._options()["layer"]), body)
        bound = {name: inner._bound(body) for name, inner in self._inner().items()}
        return dataclasses.replace(self, **bound) if bound else self

    def _notes(self, body: ModelStructure) -> list[str]:
        """What to know of its options, once those that the model gives are filled in."""
        inner = [note for one in self._inner().values() for note in one._notes(body)]
        return joined_features(getattr(self, "mask", None)) + inner

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        """The method with the options that it takes from the inputs filled in."""
        fitted = {name: inner._fitted(layout, at) for name, inner in self._inner().items()}
        return dataclasses.replace(self, **fitted) if fitted else self

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative."""
        return True

    @property
    def reduction(self) -> str:
        """How `Attribution.heatmap` reduces channels unless told otherwise."""
        return "sum"

    @property
    def idle_options(self) -> tuple[str, ...]:
        """Names of the options that do nothing beside the values of the others."""
        return ()

    def __call__(
        self,
        model: keras.Model | Subject | PredictFunction,
        inputs: Any,
        target: Any = None,
        *,
        score: ScoreKind | Callable[[Any], tf.Tensor] | None = None,
        at: str | None = None,
        chunk_size: int | str = "auto",
        progress: bool | Report | None = None,
    ) -> Attribution:
        """Explains one output of `model` for each example.

        Args:
            model: A built Keras 3 model, or a `Subject`, which adds class names, preprocessing
                and true colours. Methods that need scores only take any function too, from a
                batch in the type of `inputs` to its outputs, (B, N).
            inputs: A batch (B, ...), or a list or dict of batches for several inputs. uint8
                pixels are preprocessed where the subject knows how; other numbers are taken as
                they are. A list of texts where the model takes texts (`tfxai.Subject`).
            target: None for the predicted class, an index, a class name, or one per example;
                (B, r) indices for outputs with r axes. A single sigmoid unit has the classes 1
                and 0, of which 0 has the logit turned round. A score that chooses for itself
                (`Contrast`, `Neuron`, a registered one) takes none.
            score: `"logit"`, `"probability"`, `"output"`, a registered function or its name,
                `Contrast` or `Neuron`; None is the method's default. A default logit or
                probability is the output itself where the model has no final softmax or sigmoid,
                and where nobody can look into it: a SavedModel, a function.
            at: Path of a layer whose activations are explained in the place of the input. Where
                methods of gradients meet ids only, it is the layer with a vector for each.
            chunk_size: Most examples that run at once; `"auto"` keeps to
                `tfxai.config.memory_budget`, and to half as many whenever memory runs out all
                the same. Changes no value beyond float rounding.
            progress: None shows a display on a terminal or in a notebook for what takes more than
                a second, True from the start, False never; a function is called instead with
                (examples done, examples).

        Returns:
            `Attribution` with one entry per example.

        Raises:
            InvalidInputError: An argument does not fit the model; the sentence says how.
            LayerNotFoundError: `at` is not in the model.
            UnsupportedModelError: The model cannot be explained so.
            NotFiniteError: Values are NaN or infinite; the sentence names the layer.
            InsufficientMemoryError: Memory ran out, with one example at a time too.
        """
        subject, inputs = self._subject(model, given := inputs, at)
        texts = subject.texts(inputs)
        asked: dict[str, Any] = {
            "score": score,
            "at": at,
            "chunk_size": chunk_size,
            "progress": progress,
        }
        if texts is None:
            asked["columns"] = read_columns(subject.model, given)
            attribution = self._answer(subject, inputs, target, **asked)
        else:
            attribution = explain_texts(self, subject, texts, target, **asked)
        found = attribution.remarks
        if found:
            warnings.warn(" ".join(found), TfxaiWarning, stacklevel=2)
        return attribution

    def _answer(  # noqa: PLR0913 - those of a call
        self,
        subject: Subject,
        inputs: Any,
        target: Any,
        *,
        score: Any = None,
        at: str | None = None,
        chunk_size: int | str = "auto",
        progress: bool | Report | None = None,
        columns: Columns = (),
    ) -> Attribution:
        """What a call with arrays returns; the arguments are those of the call.

        `columns` are those of a table that the inputs were read from.
        """
        layout, leaves = read_inputs(subject.model, subject.prepare(inputs))
        with looked_at_once(subject.model):
            ready = self.prepared(subject, layout, score=score, at=at)
            task = Task.of(ready, leaves, target, chunk_size)
            batch, beside = len(leaves[0]), (task.baseline, task.given)

            def run(plan: Plan, report: Report) -> dict[str, Array]:
                with counting_passes(plan, report, batch) as (plan, report):
                    function = ready.program(plan)
                    return in_slices(function, plan, leaves, task.targets, beside, report)

            with shown(progress, self.name, batch) as report:
                answers = within_memory(run, task.plan, report, can_shrink=chunk_size == "auto")
        return task.answered(answers, columns)

    def prepared(
        self, subject: Subject, layout: Layout, *, score: Any = None, at: str | None = None
    ) -> Prepared:
        """The method fitted to a model and its inputs; nothing is computed.

        Raises:
            TfxaiError: As for a call.
        """
        body = model_structure(subject.model, layout.plain)
        method = self._bound(body)
        every = method.takes_any_input and not isinstance(subject.model, ByToken)
        layout = layout.fitted(body.axes, body.output_dtypes, every=every)
        if at is None and method.takes_at and not layout.explained:
            at = body.token_embedding()  # ids have no gradient, and their vectors have
        method._check_at(at, layout, body)
        method = method._fitted(layout, at)
        subject.check_classes(body)
        question = read_question(score, method.default_score, subject, body)
        return Prepared(method, subject, layout, body, question, at, score is not None)

    def to_config(self) -> dict[str, Any]:
        """Name and options in effect as JSON takes them; arrays as nested lists."""
        return cast(dict[str, Any], listed(self._record()))

    @staticmethod
    def from_config(stored: dict[str, Any]) -> AttributionMethod:
        """The method that `to_config` or an `Attribution.method` describes.

        Raises:
            UnknownNameError: No such method or option.
        """
        return create(stored["name"], **stored["options"])

    def _record(self) -> dict[str, Any]:
        """Name and options in effect; arrays as they are."""
        options = self._options().items()
        return {
            "name": self.name,
            "options": {k: plain(v) for k, v in options if k not in self.idle_options},
        }

    def _options(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def _inner(self) -> dict[str, AttributionMethod]:
        """The options that are methods themselves."""
        options = self._options().items()
        return {name: value for name, value in options if isinstance(value, AttributionMethod)}

    def _keeps_every_layer(self) -> bool:
        """Whether the method, or one that is an option of it, keeps the outputs of all layers."""
        inner = self._inner().values()
        return self.keeps_every_layer or any(one._keeps_every_layer() for one in inner)

    def _baselines(self) -> list[Any]:
        """The option that says what the input is compared with, or nothing."""
        own = [getattr(self, name) for name in self.program_inputs]
        return own + [found for inner in self._inner().values() for found in inner._baselines()]

    def _shares_baselines(self) -> bool:
        """Whether all examples are compared with one set of baselines."""
        return any(isinstance(one, Samples) for one in self._baselines())

    def _baseline(self, ready: Prepared, leaves: Sequence[Array]) -> tuple[str, list[Array]]:
        """What the baseline is of, as `Plan.baseline` has it, and its arrays."""
        for baseline in self._baselines():
            part, batch = ready.part, len(leaves[0])
            if is_of_activations(baseline, ready.layout, batch, part) and part is not None:
                check_start(baseline, ready)
                arrays = read_activations(baseline, batch, part, ready.layout.working)
                return "activations", arrays
            preprocessing = ready.subject.preprocessing
            arrays = read_baseline(baseline, ready.layout, leaves, preprocessing, at_layer=part)
            return "inputs", arrays
        return "none", []

    def _subject(self, model: Any, inputs: Any, at: str | None) -> tuple[Subject, Any]:
        """What is explained, and its inputs; a function is put in the place of a model."""
        if not is_function(model):
            return Subject.of(model), inputs
        if not self.is_black_box or at is not None:
            able = [name for name in names() if get(name).is_black_box]
            what = f"{self.name!r} needs the gradient or the layers of a model"
            raise UnsupportedModelError(
                f"{what if at is None else f'at={at!r} names a layer'}, and a function has none. "
                f"Pass the Keras model itself, or take one of {', '.join(able)} without at=."
            )
        wrapped, inputs = function_model(model, inputs)
        return Subject(wrapped), inputs

    def _host_arrays(self) -> list[HostArray]:
        """How arrays are made of the examples on the host, to be had as `f.given[record]`."""
        own = [one for one in self._options().values() if isinstance(one, HostArray)]
        return own + [one for inner in self._inner().values() for one in inner._host_arrays()]

    def _by_groups(self, levels: Sequence[Array], size: int) -> Iterator[tuple[Self, Array]]:
        """The method for texts by their groups of tokens, each with the texts that it is for.

        Args:
            levels: Of each text (levels, G), the number of the sentence, word and so on that each
                of its groups lies in, the coarsest level first.
            size: Groups that the program has room for.
        """
        yield self, np.arange(len(levels))

    def _finish(self, values: Array, examples: Examples) -> tuple[Array, dict[str, Array]]:
        """A last stage on the host, for what no graph can do: ranking regions, say.

        Args:
            values: What `_attribute` gave for the whole batch, (B, ...).
            examples: The batch itself.

        Returns:
            The values of the `Attribution`, and details of it: name to (B, ...).
        """
        return values, {}

    @property
    def has_host_stage(self) -> bool:
        """Whether values are finished on the host, after the program."""
        return type(self)._finish is not AttributionMethod._finish

    def _check_at(self, at: str | None, layout: Layout, body: ModelStructure) -> None:
        if at is None:
            if not layout.explained:
                raise UnsupportedModelError(
                    no_gradient(self.name, layout, body, takes_at=self.takes_at)
                )
            return
        if not self.takes_at:
            raise InvalidInputError(
                f"{self.name} explains the input only, and at={at!r} was given. Leave it out; "
                "the layer that the method itself looks at is its option 'layer'."
            )
        _check_layer(at, body)


def _check_layer(path: str, body: ModelStructure) -> None:
    """Raises unless the layer is there and returns numbers that have a gradient."""
    call = body.find(path)
    if call.shape is None or not tf.as_dtype(call.dtype).is_floating:
        raise InvalidInputError(
            f"Layer {path!r} does not return one floating-point tensor, so it cannot be "
            "explained. Choose a layer that does."
        )


def plain(value: Any) -> Any:
    """An option as JSON takes it, but for arrays."""
    if isinstance(value, FrozenArray | FrozenArrays):
        return value
    if isinstance(value, AttributionMethod):
        return value._record()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field for field in dataclasses.fields(value) if field.compare]
        options = {field.name: plain(getattr(value, field.name)) for field in fields}
        return {"name": vars(type(value))["name"], "options": options}
    return json.loads(json.dumps(value))
