"""The callback that explains the same examples after each epoch."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.callbacks.sinks import Sink
from tfxai.card import Card
from tfxai.errors import InvalidInputError, NotFiniteError, TfxaiWarning
from tfxai.methods import AttributionMethod, create
from tfxai.metrics import Metric
from tfxai.subject import Subject


class Explain(keras.callbacks.Callback):
    """Explains examples of your choice while `fit` goes on, and hands on pictures and numbers.

    After an epoch each sink is called with the number of the epoch, from 1; a name; and either a
    picture, (H, W, 3) uint8, or a number:

    - `METHOD/0`, `METHOD/1`, ...: what the answer to each image rests on, over the image; of
      other inputs `METHOD/figure`, the figure of the first example;
    - `METHOD/score`: the mean score;
    - `METHOD/completeness_gap`: the mean size of the gap, for methods whose values add up;
    - `METHOD/METRIC`: the mean of the metric.

    The model's weights are those of the moment, and nothing is traced after the first time. The
    first time is before training begins: what cannot be explained is refused then, and of that
    nothing is handed on.

    Args:
        method: A method, or its name.
        data: A batch to explain, as the method takes it.
        targets: As a method's `target`; None is the class that is predicted after each epoch.
        every: Explain after every so many epochs, at least 1.
        sinks: Where pictures and numbers go: `to_png`, `to_tensorboard`, or a function
            `(epoch, name, image_or_number)` of your own. At least one.
        metric: A metric of `tfxai.metrics` that is measured on the same examples.
        card: Class names and preprocessing of the model.

    Raises:
        InvalidInputError: An option does not fit.
        UnknownNameError: There is no such method.

    Example:
        >>> import keras, numpy as np
        >>> from tfxai.callbacks import Explain
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, seen = np.ones((4, 2), "float32"), []
        >>> sink = lambda epoch, name, what: seen.append((epoch, name))
        >>> watch = Explain("integrated_gradients", x[:1], targets=0, sinks=[sink])
        >>> history = model.fit(x, x[:, :1], epochs=1, verbose=0, callbacks=[watch])
        >>> (1, "integrated_gradients/completeness_gap") in seen
        True
    """

    def __init__(
        self,
        method: AttributionMethod | str,
        data: Any,
        targets: Any = None,
        *,
        every: int = 1,
        sinks: Sequence[Sink] = (),
        metric: Metric | None = None,
        card: Card | None = None,
    ) -> None:
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise InvalidInputError(
                f"every={every!r} was expected to be an integer of at least 1."
            )
        sinks = [sinks] if callable(sinks) else list(sinks)
        if not sinks or not all(map(callable, sinks)):
            raise InvalidInputError(
                f"sinks={sinks!r} was expected to hold one function or more, called with epoch, "
                "name, and image or number, such as tfxai.callbacks.to_png('out')."
            )
        self.method = _method(method)
        if metric is not None and not isinstance(metric, Metric):
            raise InvalidInputError(
                f"metric={metric!r} was expected to be a metric such as "
                f"tfxai.metrics.Sparseness(){_call(metric)}"
            )
        self.last: Attribution | None = None
        """The attribution of the last epoch that was explained."""
        self._data, self._targets, self._every = data, targets, every
        self._sinks, self._metric, self._card = sinks, metric, card
        self._subject: Subject | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Called by Keras: explains once and throws it away, so that mistakes show now.

        Raises:
            TfxaiError: As for a call of the method, or of the metric.
        """
        if not self.model.built:
            return
        with contextlib.suppress(NotFiniteError), warnings.catch_warnings():
            warnings.simplefilter("ignore", TfxaiWarning)  # of weights that have learned nothing
            found = self._explained()
            for _ in self._contents(self._of_model(), found):
                pass

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called by Keras.

        Raises:
            TfxaiError: As for a call of the method, or of a sink's own.
        """
        if (epoch + 1) % self._every:
            return
        try:
            found = self._explained()
        except NotFiniteError as error:  # training goes on, and may recover
            warnings.warn(
                f"Epoch {epoch + 1} is not explained: {error}", TfxaiWarning, stacklevel=2
            )
            return
        self.last = found
        for name, content in self._contents(self._of_model(), found):
            for sink in self._sinks:
                sink(epoch + 1, f"{self.method.name}/{name}", content)

    def _of_model(self) -> Subject:
        if self._subject is None or self._subject.model is not self.model:
            self._subject = Subject(self.model, self._card)
        return self._subject

    def _explained(self) -> Attribution:
        return self.method(self._of_model(), self._data, self._targets, progress=False)

    def _contents(self, subject: Subject, found: Attribution) -> Iterator[tuple[str, Any]]:
        yield "score", float(np.mean(found.score))
        if found.completeness_gap is not None:
            yield "completeness_gap", float(np.mean(np.abs(found.completeness_gap)))
        if self._metric is not None:
            measured = self._metric(subject, self._data, found, progress=False)
            yield self._metric.name, float(measured.mean)
        yield from _pictures(found)


def _method(given: Any) -> AttributionMethod:
    """The method, by its name too.

    Raises:
        InvalidInputError: It is something else, such as a class or several methods.
        UnknownNameError: There is no method of that name.
    """
    method = create(given) if isinstance(given, str) else given
    if isinstance(method, AttributionMethod):
        return method
    if isinstance(given, list | tuple):
        raise InvalidInputError(
            f"method={given!r} holds {len(given)} methods, and one was expected. Pass an Explain "
            "for each of them to fit."
        )
    raise InvalidInputError(
        f"method={given!r} was expected to be a method such as tfxai.Saliency() or its name"
        f"{_call(given)}"
    )


def _call(given: Any) -> str:
    """The end of a sentence about a class that came in the place of one of its instances."""
    return f". It is a class: pass {given.__name__}()." if isinstance(given, type) else "."


def _pictures(found: Attribution) -> Iterator[tuple[str, Array]]:
    from tfxai.plotting import pictures

    try:
        drawn = pictures(found)
    except InvalidInputError:  # no images
        yield "figure", _figure(found)
        return
    for i, one in enumerate(drawn):
        yield str(i), (255 * np.clip(one, 0, 1)).round().astype(np.uint8)


def _figure(found: Attribution) -> Array:
    """(H, W, 3) uint8 the figure of the first example."""
    from PIL import Image

    stream = io.BytesIO()
    found.plot().savefig(stream, format="png")
    with Image.open(stream) as image:
        return np.asarray(image.convert("RGB"))
