"""Runs the shards of a job, in this process or in several, and ends with the summary."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, cast

import tensorflow as tf

from tfxai.batch.job import Job
from tfxai.batch.manifest import (
    check_apart,
    check_folder,
    clear,
    configuration,
    finish,
    sweep,
    write_manifest,
)
from tfxai.batch.resuming import check_same
from tfxai.batch.shards import NO_CARE, Care, ShardReport
from tfxai.errors import InsufficientMemoryError, InvalidInputError, OutputError

Done = Callable[[ShardReport], None]
"""Called with what became of each shard."""


class Engine(Protocol):
    """A frozen record that runs shards somewhere; each has left its files when it returns."""

    @property
    def threads(self) -> int:
        """Threads of TensorFlow in each process."""

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards `todo`."""


def run_job(
    job: Job,
    *,
    engine: Engine | None = None,
    workers: int = 1,
    threads: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    done: Done | None = None,
) -> dict[str, Any]:
    """Explains a data set and leaves the results in the job's folder.

    Args:
        job: What is to be done. Where a run goes on, its memory budget is the earlier one's.
        engine: What runs the shards; None is `workers` processes of this machine.
        workers: Processes that share the work; 1 works in this one.
        threads: Threads of TensorFlow in each; None is the engine's, or shares the cores among the
            processes.
        resume: Whether a run that was stopped goes on.
        overwrite: Whether the results of an earlier run are removed, once all has been checked.
        done: Called with what became of each shard.

    Returns:
        The manifest.

    Raises:
        InvalidInputError: The folder holds another run or the data, or the request does not fit
            the model.
        OutputError: The results cannot be written.
        TfxaiError: The model cannot be loaded.
    """
    if workers < 1:
        raise InvalidInputError(f"workers={workers} came. Pass at least 1.")
    folder = Path(job.output)
    check_apart(folder, job.source)
    before = check_folder(folder, resume=resume, overwrite=overwrite)
    threads = threads or (engine.threads if engine else max(1, (os.cpu_count() or 1) // workers))
    if before is not None:
        asked = before["configuration"]
        threads = int(asked["threads"])
        job = dataclasses.replace(job, memory_budget=int(asked["memory_budget"]))
    if engine is None:
        engine = Processes(workers, threads) if workers > 1 else InProcess(threads)
    if isinstance(engine, InProcess):
        threads = set_threads(threads)
    else:
        engine = dataclasses.replace(cast(Any, engine), threads=threads)
    job.check()
    asked = configuration(job, threads)
    if before is not None:
        check_same(before["configuration"], asked, folder)
    if overwrite:
        clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, asked, None, workers)
    sweep(folder)
    tell = done or (lambda report: None)
    todo = job.todo()
    for shard in todo:  # what says that it is done, where its data are gone
        job.state_file(shard).unlink(missing_ok=True)
    for shard in sorted(set(range(job.shards)) - set(todo)):
        tell(job.report(shard))
    engine(job, todo, tell)
    return finish(job, asked, workers)


def set_threads(threads: int) -> int:
    """Sets TensorFlow's threads where it has not begun to work, and gives those that it has."""
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count() or 1


@contextlib.contextmanager
def watching(job: Job, todo: list[int], done: Done) -> Iterator[None]:
    """Tells of each shard once its files are there, wherever it runs."""
    left, is_over = list(todo), threading.Event()

    def look() -> None:
        for shard in [one for one in left if job.state_file(one).exists()]:
            left.remove(shard)
            done(job.report(shard))

    def keep() -> None:
        while not is_over.wait(_EVERY):
            look()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    look()
    if left:
        raise OutputError(
            f"Shard {left[0]} was done, and its file is not in {job.output!r}. Choose a folder "
            "that all workers share."
        )


_EVERY = 1.0  # seconds between two looks


@dataclasses.dataclass(frozen=True)
class InProcess:
    """Runs the shards in this process, one after the other.

    Args:
        threads: Threads of TensorFlow.
    """

    threads: int = 1

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards."""
        for shard in todo:
            done(job.run(shard))


@dataclasses.dataclass(frozen=True)
class Processes:
    """Runs the shards in processes of this machine; one that dies costs its example alone.

    Args:
        workers: How many processes.
        threads: Threads of TensorFlow in each.
    """

    workers: int
    threads: int

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards."""
        suspects = self._together(job, todo, done)
        for shard in suspects:
            done(self._by_itself(job, shard))

    def _together(self, job: Job, todo: list[int], done: Done) -> list[int]:
        """Runs the shards side by side; those that were under way when a process died."""
        left, suspects = list(todo), list[int]()
        while left:
            running: dict[Future[ShardReport], int] = {}
            with self._pool(job, min(self.workers, len(left))) as pool:
                try:
                    while left or running:
                        while left and len(running) < self.workers:
                            running[pool.submit(_run, left[0], NO_CARE)] = left[0]
                            left.pop(0)
                        ready, _ = wait(running, return_when=FIRST_COMPLETED)
                        for future in ready:
                            report = future.result()
                            running.pop(future)
                            done(report)
                except BrokenProcessPool:
                    suspects += [s for s in running.values() if not job.state_file(s).exists()]
        return sorted(suspects)

    def _by_itself(self, job: Job, shard: int) -> ShardReport:
        """Runs one shard after a process died, and finds the example that killed it."""
        care = Care(is_watched=True)
        while True:
            job.trace_file(shard).unlink(missing_ok=True)
            with self._pool(job, 1) as pool:
                try:
                    return pool.submit(_run, shard, care).result()
                except BrokenProcessPool as error:
                    at = _at(job.trace_file(shard))
                    if not at:  # no example is to blame
                        raise InsufficientMemoryError(
                            "A process died before it read an example, perhaps for want of memory "
                            "for the model. Pass fewer --workers."
                        ) from error
                    care = _more_care(care, at)

    @contextlib.contextmanager
    def _pool(self, job: Job, workers: int) -> Iterator[ProcessPoolExecutor]:
        context = multiprocessing.get_context("spawn")
        given = (job, self.threads)
        pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=given)
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list((pool._processes or {}).values()):
                process.kill()
            raise
        pool.shutdown()


_LOST = (
    "The process that explained it died, perhaps for want of memory. Try it with a smaller "
    "--chunk-size."
)


def _more_care(care: Care, at: list[int]) -> Care:
    """What to do better after a process died over the examples `at`."""
    if len(at) > 1:
        return dataclasses.replace(care, alone=care.alone | frozenset(at))
    return dataclasses.replace(care, lost=(*care.lost, (at[0], _LOST)))


def _at(path: Path) -> list[int]:
    try:
        return [int(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []


_job: Job | None = None


def _start(job: Job, threads: int) -> None:
    """Makes a process ready: threads before the first operation, then the model."""
    global _job
    set_threads(threads)
    job.explainer.setup()
    _job = job


def _run(shard: int, care: Care) -> ShardReport:
    if _job is None:
        raise RuntimeError("The process was not made ready.")
    return _job.run(shard, care)
