"""Explanations in pipelines of Apache Beam."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np

from tfxai.batch.explainer import Explainer
from tfxai.batch.exported import ExportExplainer
from tfxai.batch.inputs import stacked
from tfxai.batch.job import Job
from tfxai.batch.running import Done, set_threads, watching
from tfxai.errors import InvalidInputError, MissingExtraError

try:
    import apache_beam
    from apache_beam.ml.inference.base import (
        KeyedModelHandler,
        ModelHandler,
        PredictionResult,
        RunInference,
    )
    from apache_beam.options.pipeline_options import PipelineOptions
except ImportError as error:
    raise MissingExtraError.of("apache-beam", "beam") from error


_Explainer: TypeAlias = Explainer | ExportExplainer


@final
class ExplainModelHandler(ModelHandler):
    """Explanations for Beam's `RunInference`: of dicts of one example's arrays, without a batch.

    A process loads the model once and shares it between its threads; Beam's metrics count the
    loads and time the batches. `KeyedModelHandler(ExplainModelHandler(...))` takes pairs of a key
    and an example.

    Args:
        explainer: The model and the methods.
        min_batch_size: Fewest examples explained at once, where there are as many.
        max_batch_size: Most examples explained at once.
    """

    def __init__(
        self,
        explainer: _Explainer,
        *,
        min_batch_size: int = 1,
        max_batch_size: int = 32,
    ) -> None:
        super().__init__(min_batch_size=min_batch_size, max_batch_size=max_batch_size)
        self._explainer = explainer
        self._sizes = {"min_batch_size": min_batch_size, "max_batch_size": max_batch_size}

    def load_model(self) -> _Explainer:
        """The explainer with its model loaded."""
        self._explainer.setup()
        return self._explainer

    def run_inference(
        self,
        batch: Sequence[Mapping[str, Any]],
        model: _Explainer,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[Any]:
        """A `PredictionResult` for each example; its `inference` holds what `Explainer` gives."""
        answers = _rows(model(_columns(batch)), len(batch))
        for example, answer in zip(batch, answers, strict=True):
            yield PredictionResult(example, answer, model.model)

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """How Beam makes batches."""
        return self._sizes

    def get_num_bytes(self, batch: Sequence[Mapping[str, Any]]) -> int:
        """Bytes of the examples of a batch."""
        return sum(np.asarray(array).nbytes for one in batch for array in one.values())

    def get_metrics_namespace(self) -> str:
        """Where Beam's metrics of it are found."""
        return "tfxai"

    def share_model_across_processes(self) -> bool:
        """Each process has its own model."""
        return False


@final
class Explain(apache_beam.PTransform):
    """Explains the dicts of arrays of a collection, one an example.

    It gives two collections, `explained` with dicts of what `Explainer` gives, and `failed` with
    pairs of an example and the reason. A batch that fails is explained one by one.

    Args:
        explainer: The model and the methods.
        max_batch_size: Most examples explained at once.
    """

    def __init__(self, explainer: _Explainer, *, max_batch_size: int = 32) -> None:
        super().__init__()
        self._explainer = explainer
        self._max = max_batch_size

    def expand(self, examples: Any) -> Any:
        """The two collections."""
        batches = apache_beam.BatchElements(min_batch_size=1, max_batch_size=self._max)
        work = apache_beam.ParDo(_ExplainBatch(self._explainer))
        return examples | batches | work.with_outputs("failed", main="explained")


class _ExplainBatch(apache_beam.DoFn):
    """Explains a batch, and where that fails each example by itself."""

    def __init__(self, explainer: _Explainer) -> None:
        self._explainer = explainer

    def setup(self) -> None:
        """Loads the model."""
        self._explainer.setup()

    def process(self, batch: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        """Its explanations, and the examples that have none."""
        try:
            made = self._explainer(_columns(batch))
        except Exception as error:  # of one example, whatever it is: the others go on
            if len(batch) == 1:
                yield apache_beam.pvalue.TaggedOutput("failed", (batch[0], str(error)))
                return
            for one in batch:
                yield from self.process([one])
            return
        yield from _rows(made, len(batch))


def _columns(batch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The examples of a batch as its columns."""
    return stacked([{name: _plain(one) for name, one in example.items()} for example in batch])


def _rows(made: Mapping[str, Any], count: int) -> Iterator[dict[str, Any]]:
    return ({name: array[i] for name, array in made.items()} for i in range(count))


def _plain(one: Any) -> Any:
    return one if isinstance(one, str) else np.asarray(one)


@dataclasses.dataclass(frozen=True)
class Beam:
    """Runs the shards of a job in a pipeline, whose workers see the folder of the results.

    Args:
        words: Beam's own options, such as `("--runner=FlinkRunner",)`; without a runner they run
            on this machine.
        workers: Processes on this machine, where no runner is named.
        threads: Threads of TensorFlow in each.
    """

    words: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        _, unknown = self._options()
        if unknown:
            raise InvalidInputError(
                f"Beam knows no option {unknown[0]!r}. Correct it; the runner's page lists them."
            )

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards."""
        options, _ = self._options()
        # The direct runner would first try to download a program of another language.
        runner = None if "runner" in options.get_all_options(drop_default=True) else "FnApiRunner"
        with (
            watching(job, todo, done),
            apache_beam.Pipeline(runner=runner, options=options) as pipeline,
        ):
            _ = (
                pipeline
                | apache_beam.Create(todo, reshuffle=True)
                | apache_beam.ParDo(_RunShard(job, self.threads))
            )

    def _options(self) -> tuple[Any, list[str]]:
        words = list(self.words)
        if not any(word.startswith("--runner") for word in words) and self.workers > 1:
            words += ["--direct_running_mode=multi_processing"]
            words += [f"--direct_num_workers={self.workers}"]
        options = PipelineOptions(words)
        return options, [one for one in words if one.startswith("--") and not _is_known(one)]


def _is_known(word: str) -> bool:
    name = word.removeprefix("--").partition("=")[0]
    return name in PipelineOptions([word]).get_all_options(drop_default=False)


class _RunShard(apache_beam.DoFn):
    """Runs one shard after another."""

    def __init__(self, job: Job, threads: int) -> None:
        self._job = job
        self._threads = threads

    def setup(self) -> None:
        """Threads before the first operation, then the model."""
        set_threads(self._threads)
        self._job.explainer.setup()

    def process(self, shard: int) -> Iterator[int]:
        """Its number, once it is done."""
        counter = apache_beam.metrics.Metrics.counter
        report = self._job.run(shard)
        counter("tfxai", "explained").inc(report.explained)
        counter("tfxai", "failed").inc(len(report.failures))
        yield shard


__all__ = ["Beam", "Explain", "ExplainModelHandler", "KeyedModelHandler", "RunInference"]
