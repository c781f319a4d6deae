"""Processes that save models and are killed at it: run in a process of its own, which forks.

TensorFlow is imported once and first used in each child, since it does not survive a fork.
"""

from __future__ import annotations

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes import ROOT
from tests.registry.old_layout import write_old
from tfxai.card import Card
from tfxai.registry import ModelRegistry, history_path, read_history
from tfxai.registry.consistent_reads import read_whole
from tfxai.registry.saving import STAGE

NAME = "small"


def in_a_process(call: str, *words: Any) -> Any:
    """Runs a function of this module in a process of its own; what it printed, as JSON."""
    code = f"from tests.registry import savers; savers.{call}()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def version(registry: ModelRegistry, name: str) -> int:
    """Which save a model is of; raises where its files are not of the same one."""

    def read() -> int:
        checks = registry.verify(name)
        own = [check for check in checks if "/" in check.file] or checks  # the folder comes first
        states = {check.state for check in own}
        assert states == {"ok"}, states
        entry = registry[name]
        assert entry.card is not None
        (number,) = entry.card.notes
        assert read_history(entry.history_file)["loss"] == [float(number)]
        assert history_path(entry.file) == entry.history_file
        return int(number)

    return read_whole(registry.root, name, read)


def save(registry: ModelRegistry, model: Any, name: str, number: int) -> None:
    """Saves a model whose weights, card and history hold that number."""
    model.set_weights([weight * 0 + number for weight in model.get_weights()])
    card = Card(name=name, notes=(str(number),))
    registry.save(model, name, card, {"loss": [float(number)]}, format=["keras", "h5"][number % 2])


def save_as(registry: ModelRegistry, model: Any, number: int) -> None:
    """Saves a model that `version` recognises, by that number."""
    card = Card(name="any", notes=(str(number),))
    registry.save(model, str(number), card, {"loss": [float(number)]})


def small_model() -> Any:
    """A compiled model, so that `save` makes it again without its optimiser."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def forked(work: Callable[[], None]) -> int:
    """The process that does that and ends."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def killed_at_random() -> None:
    """Kills a process in the midst of saves, again and again; prints how it was left."""
    import tensorflow  # noqa: F401, I001 - imported, and used in the children only
    import tfxai.core.model.backend
    import tfxai.registry.serialising  # noqa: F401

    registry, rounds = ModelRegistry(sys.argv[1]), int(sys.argv[2])
    draws, left = random.Random(0), collections.Counter[str]()
    done = 0
    for _ in range(rounds):
        reader, writer = os.pipe()

        def work(first: int = done + 1, writer: int = writer) -> None:
            model = small_model()
            for number in range(first, first + 10_000):
                save(registry, model, NAME, number)
                os.write(writer, b".")  # this one has happened

        child = forked(work)
        os.close(writer)
        os.read(reader, 1)  # the first save, which also loads what later ones use
        done += 1
        time.sleep(draws.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        while said := os.read(reader, 4096):
            done += len(said)
        os.close(reader)
        left[STAGE] += (registry.root / STAGE).exists()
        found = version(registry, NAME)
        assert found in (done, done + 1), (found, done)
        left["new" if found > done else "old"] += 1
        done = found
    print(json.dumps({**left, "rounds": rounds, "saves": done}))  # noqa: T201


def killed_while_it_moves_models() -> None:
    """Kills a process that saves over models of the old layout; prints how it left them."""
    import tensorflow  # noqa: F401, I001
    import tfxai.core.model.backend
    import tfxai.registry.serialising  # noqa: F401

    source, registry, rounds = Path(sys.argv[1]), ModelRegistry(sys.argv[2]), int(sys.argv[3])
    draws, left = random.Random(0), collections.Counter[str]()
    for turn in range(rounds):
        reader, writer = os.pipe()

        def work(turn: int = turn, writer: int = writer) -> None:
            model = small_model()
            save(ModelRegistry(registry.root.parent / "warm"), model, "warm", 1)
            for number in range(1000):
                name = f"model_{turn}_{number}"
                old = Card(name=name, notes=("1",))
                write_old(registry.root, name, source, old, {"loss": [1.0]})
                os.write(writer, b"o")  # it lies in the old layout
                save(registry, model, name, 2)
                os.write(writer, b"n")  # the save has happened

        child = forked(work)
        os.close(writer)
        said = os.read(reader, 1)
        time.sleep(draws.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        while more := os.read(reader, 4096):
            said += more
        os.close(reader)
        left[STAGE] += (registry.root / STAGE).exists()
        whole = said.count(b"n")
        for number in range(said.count(b"o")):
            name = f"model_{turn}_{number}"
            found = version(registry, name)
            assert found == 2 or number == whole, (name, found)
            if number >= whole:
                left["new" if found == 2 else "old"] += 1
                left["both"] += (registry.root / name).is_dir() and any(
                    registry.root.glob(f"{name}.*")
                )
        shutil.rmtree(registry.root)
    print(json.dumps({**left, "rounds": rounds}))  # noqa: T201


def killed_at_each_step() -> None:
    """Kills a change before its first, second, ... operation on files; prints how it ended.

    The words are a folder with the models 1 and 2, the layout in which model 1 lies at first
    (`"folder"` or `"old"`) and the change: `"add"` puts model 2 in its place, `"remove"` nothing.
    """
    source, (layout, change) = ModelRegistry(sys.argv[1]), sys.argv[2:]
    step, ends = 0, []
    while not ends or ends[-1] != "finished":
        registry = ModelRegistry(source.root / f".registry_{step}")
        first = source["1"]
        if layout == "old":
            write_old(registry.root, NAME, first.file, first.card, {"loss": [1.0]})
        else:
            registry.add(first.file, NAME)
        registry.add(source["2"].file, "other")
        child = forked(lambda step=step, registry=registry: _until(registry, change, step))
        killed = os.waitpid(child, 0)[1]
        assert killed in (0, signal.SIGKILL), killed
        is_there = NAME in [entry.name for entry in registry.list()]
        found = version(registry, NAME) if is_there or change == "add" else 0
        ends.append("finished" if killed == 0 else "old" if found == 1 else "new")
        assert version(registry, "other") == 2
        registry.add(source["2"].file, NAME, replace=True)
        _assert_clean(registry)
        step += 1
    print(json.dumps(ends))  # noqa: T201


FILE_EVENTS = ("open", "fcntl.flock")


def _assert_clean(registry: ModelRegistry) -> None:
    """Nothing is left over: the folders of the models hold what their cards name, no more."""
    assert {path.name for path in registry.root.iterdir()} == {NAME, "other"}
    for entry in registry.list():
        kept = {path.name for path in entry.file.parent.iterdir()}
        assert entry.card is not None
        assert kept == {"card.json", *entry.card.sha256}


def _until(registry: ModelRegistry, change: str, step: int) -> None:
    file = ModelRegistry(registry.root.parent)["2"].file
    steps = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event == "os.kill":
            return
        if event in FILE_EVENTS or event.startswith(("os.", "shutil.")):
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)
            steps += 1

    sys.addaudithook(count)
    if change == "add":
        registry.add(file, NAME, replace=True)
    else:
        registry.remove(NAME)


def many_saves() -> None:
    """Saves a model again and again under one name, with its number in weights and card."""
    registry, times = ModelRegistry(sys.argv[1]), int(sys.argv[2])
    model = small_model()
    for number in range(1, 1 + times):
        save(registry, model, NAME, number)
    print(times)  # noqa: T201


def two_at_once() -> None:
    """Two processes save under the names given while this one reads; prints what it met."""
    import tensorflow  # noqa: F401, I001
    import tfxai.core.model.backend
    import tfxai.registry.serialising  # noqa: F401

    registry, times, names = ModelRegistry(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]

    def work(name: str, first: int) -> None:
        model = small_model()
        for number in range(first, first + times):
            save(registry, model, name, number)

    running = {forked(lambda n=n, i=i: work(n, 1 + 1000 * i)) for i, n in enumerate(names)}
    met: dict[str, list[int]] = {name: [] for name in names}
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        assert status == 0
        running.discard(child)
        for name in [one.name for one in registry.list()]:
            met[name].append(version(registry, name))
    print(json.dumps(met))  # noqa: T201
