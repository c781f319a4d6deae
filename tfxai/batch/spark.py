"""Runs the shards of a job on a cluster of Spark."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from typing import Any

from tfxai.batch.job import Job
from tfxai.batch.running import Done, set_threads, watching
from tfxai.errors import InvalidInputError, MissingExtraError

try:
    from pyspark.sql import SparkSession
except ImportError as error:
    raise MissingExtraError.of("pyspark", "spark") from error


@dataclasses.dataclass(frozen=True)
class Spark:
    """Tasks of `mapInPandas`, whose machines see the folders of the data and of the results.

    Args:
        words: The master and Spark's settings, as in `("--master=spark://host:7077",
            "--conf=spark.executor.memory=4g")`; without a master they run on this machine.
        workers: Tasks at once on this machine, where no master is named.
        threads: Threads of TensorFlow in each.
    """

    words: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        self._settings()

    def __call__(self, job: Job, todo: list[int], done: Done) -> None:
        """Runs the shards."""
        if not todo:
            return
        session = self._session()
        threads = self.threads

        def run(frames: Iterator[Any]) -> Iterator[Any]:
            set_threads(threads)
            for frame in frames:
                for shard in frame["shard"]:
                    job.run(int(shard))
                yield frame

        rows = session.createDataFrame([(one,) for one in todo], "shard long")
        ran = rows.repartition(len(todo), "shard").mapInPandas(run, "shard long")
        with watching(job, todo, done):
            ran.collect()

    def _session(self) -> Any:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        master, settings = self._settings()
        builder = SparkSession.builder.appName("tfxai")
        for key, text in settings.items():
            builder = builder.config(key, text)
        return builder.master(master).getOrCreate()

    def _settings(self) -> tuple[str, dict[str, str]]:
        """The master, and Spark's settings."""
        master, settings = f"local[{self.workers}]", dict[str, str]()
        for word in self.words:
            name, _, value = word.partition("=")
            if name == "--master" and value:
                master = value
            elif name == "--conf" and "=" in value:
                key, _, text = value.partition("=")
                settings[key] = text
            else:
                raise InvalidInputError(
                    f"{word!r} is no option of this engine. Pass --master=URL or "
                    "--conf=NAME=VALUE."
                )
        return master, settings
