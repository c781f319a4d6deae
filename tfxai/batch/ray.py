"""Runs the shards of a job on a cluster of Ray."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from tfxai.batch.job import Job
from tfxai.batch.running import Done, set_threads, watching
from tfxai.errors import InvalidInputError, MissingExtraError

try:
    import ray
    import ray.data
except ImportError as error:
    raise MissingExtraError.of("ray", "ray") from error


@dataclasses.dataclass(frozen=True)
class Ray:
    """A pool of actors, whose machines see the folders of the data and of the results.

    Args:
        words: The address of a cluster, as in `("--address=auto",)`; without it one of this
            machine is started.
        workers: Actors, each with its own model.
        threads: Threads of TensorFlow in each, and the cores that it is given.
    """

    words: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        self._address()

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards."""
        if not todo:
            return
        address = self._address()
        if not ray.is_initialized():
            ray.init(address=address, log_to_driver=False, logging_level="error")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        shards = ray.data.from_items(
            [{"shard": one} for one in todo], override_num_blocks=len(todo)
        )
        ran = shards.map(
            _RunShard,
            fn_constructor_args=(job, self.threads),
            compute=ray.data.ActorPoolStrategy(size=min(self.workers, len(todo))),
            num_cpus=self.threads,
        )
        with watching(job, todo, done):
            ran.take_all()

    def _address(self) -> str | None:
        found = None
        for word in self.words:
            name, _, value = word.partition("=")
            if name != "--address" or not value:
                raise InvalidInputError(
                    f"{word!r} is no option of this engine. Pass --address=ADDRESS."
                )
            found = value
        return found


class _RunShard:
    """Runs one shard after another in an actor."""

    def __init__(self, job: Job, threads: int) -> None:
        set_threads(threads)
        job.explainer.setup()
        self._job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        self._job.run(int(row["shard"]))
        return {"shard": int(row["shard"])}
