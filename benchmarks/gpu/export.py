"""`make gpu-programs`: writes every method's XLA program with its arguments and results.

The folder holds `programs.json`, which lists the programs of each model; for each model
`MODEL.npz` with the arrays that its programs take (weights, images) or should return, each
array once; and `MODEL/NAME.hlo.gz`, a serialised XLA program. `run.py` runs such a folder.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

import tfxai
from benchmarks.methods import made, num_maps
from benchmarks.methods import passes as passes_of
from tfxai import config, methods
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.data import fit_image, sample_image
from tfxai.methods import prepared
from tfxai.methods.cam.choosing import default_layers
from tfxai.models import resnet18

LARGEST = 60 * 2**20  # bytes of a folder
MEMORY = 4 * 2**30  # bytes that a program may use on the other machine
SHARED = "models/efficientnet_lite0.keras"


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a method's compiled function.

    Args:
        function: What was compiled.
        arguments: What it was called with.
        chunk: Most rows that it runs at once.
        answers: What it returned, by name; None where it was not run.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    chunk: int
    answers: dict[str, tf.Tensor] | None = None


class Folder:
    """The programs of one model, as they are written.

    Args:
        folder: Where they go.
        name: What the model is called.
        model: The model, whose weights are arguments of the programs.
    """

    def __init__(self, folder: Path, name: str, model: keras.Model) -> None:
        (folder / name).mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self._weights = {id(one.value.handle): one for one in model.variables}
        self._arrays: dict[str, np.ndarray] = {}
        self.programs: list[dict[str, Any]] = []

    def add(self, name: str, function: Any, arguments: Any, answers: Any, **facts: Any) -> None:
        """Writes one program.

        Args:
            name: What it is called.
            function: From `arguments` to a structure of tensors.
            arguments: Structure of tensors.
            answers: What the function returns on this machine.
            **facts: What else the list of programs should say of it.
        """
        program, taken = compile_program(function, arguments)
        path = f"{self._name}/{name}.hlo.gz"
        (self._folder / path).write_bytes(gzip.compress(program, mtime=0))
        flat = tf.nest.flatten(answers)
        names = (
            sorted(answers) if isinstance(answers, dict) else [str(i) for i in range(len(flat))]
        )
        self.programs.append(
            {
                "name": name,
                "program": path,
                "arguments": [self._store(self._array(one)) for one in taken],
                "results": {
                    key: self._store(one.numpy()) for key, one in zip(names, flat, strict=True)
                },
                **facts,
            }
        )

    def close(self) -> dict[str, Any]:
        """Writes the arrays; returns what the list of programs says of the model."""
        path = f"{self._name}.npz"
        np.savez(self._folder / path, **self._arrays)
        return {"model": self._name, "arrays": path, "programs": self.programs}

    def _array(self, tensor: Any) -> np.ndarray:
        weight = self._weights.get(id(tensor))
        return np.asarray(tensor.numpy() if weight is None else weight.numpy())

    def _store(self, array: np.ndarray) -> str:
        content = f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()
        key = hashlib.sha256(content).hexdigest()[:16]
        self._arrays[key] = array
        return key


def compile_program(function: Any, arguments: Any) -> tuple[bytes, list[Any]]:
    """The serialised XLA program of a function at fixed shapes, and the tensors that it takes.

    Args:
        function: From `arguments` to a structure of tensors.
        arguments: Structure of tensors.

    Returns:
        The program, which returns a tuple, and its arguments in order: the tensors of
        `arguments`, then what the function captured (variables as their handles).
    """
    flat = tf.nest.flatten(arguments)

    def run(*tensors: tf.Tensor) -> list[tf.Tensor]:
        return tf.nest.flatten(function(*tf.nest.pack_sequence_as(arguments, tensors)))

    specs = [tf.TensorSpec(one.shape, one.dtype) for one in flat]
    compiled = tf.function(run, input_signature=specs, autograph=False, jit_compile=True)
    captured = compiled.get_concrete_function().captured_inputs
    program = compiled.experimental_get_compiler_ir(*flat)(stage="hlo_serialized")
    return program, [*flat, *captured]


def call_of(
    method: methods.AttributionMethod, model: Any, x: np.ndarray, memory: int | None = None
) -> Call:
    """The call of the compiled function behind `method(model, x)`.

    Args:
        method: The method.
        model: The model.
        x: The inputs.
        memory: Bytes for which an XLA program is planned, which is not run; None runs it on this
            machine without XLA.
    """
    seen: list[Call] = []

    class Enough(Exception):
        pass

    def watched(model: keras.Model, plan: prepared.Plan, *rest: Any) -> Any:
        function = program(model, plan, *rest)

        def run(*arguments: Any) -> dict[str, tf.Tensor]:
            answers = function(*arguments) if memory is None else None
            seen.append(Call(function, arguments, plan.chunk, answers))
            if answers is None:
                raise Enough
            return answers

        return run

    program = prepared.program
    with (
        mock.patch.object(prepared, "program", watched),
        mock.patch.object(config, "jit_compile", memory is not None),
        mock.patch.object(config, "memory_budget", memory or config.memory_budget),
        contextlib.suppress(Enough),
    ):
        method(model, x)
    if len(seen) != 1:
        raise RuntimeError(f"{method.name} called {len(seen)} programs, and one was expected.")
    return seen[0]


def described(method: methods.AttributionMethod) -> dict[str, Any]:
    """Name of a method, and those options that are numbers or words."""
    stored = method.to_config()
    plain = (bool, int, float, str, type(None))
    options = {key: one for key, one in stored["options"].items() if isinstance(one, plain)}
    return {"name": stored["name"], "options": options}


def bare_pass(model: keras.Model, rows: int) -> Any:
    """A forward and a backward pass of `rows` rows, of one image ever brighter.

    Takes and returns one image (1, ...), so that the rows need not be stored.
    """
    alphas = np.linspace(1, 0, rows, endpoint=False, dtype=np.float32)[::-1]

    def run(x: tf.Tensor) -> tf.Tensor:
        path = x * alphas.reshape(-1, *[1] * (x.shape.rank - 1))
        score = tf.reduce_max(model(path, training=False), axis=-1)
        return tf.reduce_mean(tf.gradients(score, path)[0], axis=0, keepdims=True)

    return run


def export(
    folder: Path, name: str, model: keras.Model, x: np.ndarray, memory: int = MEMORY
) -> dict[str, Any]:
    """Writes every registered method's program on one model, and the bare passes beside them.

    Args:
        folder: Where they go.
        name: What the model is called.
        model: A classifier of images.
        x: One image as the model takes it, float32 (1, H, W, C).
        memory: Bytes that a program may use, which decides how many rows run at once.

    Returns:
        What `programs.json` says of the model.
    """
    layout, _ = read_inputs(model, x)
    path = default_layers(model_structure(model, layout))[0]
    maps = num_maps(model, x, path)
    written = Folder(folder, name, model)
    sizes = set()
    for method in (made(one, x, path) for one in methods.names(any_model=True)):
        plain, compiled = (call_of(method, model, x, memory=one) for one in (None, memory))
        count, share = passes_of(method.name, maps)
        passes = -(-count // compiled.chunk)  # as even as they can be
        rows = -(-count // passes)
        sizes.add(rows)
        written.add(
            method.name,
            compiled.function,
            compiled.arguments,
            plain.answers,
            method=described(method),
            bare=f"bare_{rows}",
            passes=passes * share,
        )
        print(f"{name}: {method.name}, {passes * share:g} passes of {rows} rows", flush=True)
    image = tf.constant(x)
    for rows in sorted(sizes):
        run = bare_pass(model, rows)
        written.add(f"bare_{rows}", run, (image,), [tf.function(run, autograph=False)(image)])
    return written.close()


def subjects() -> Iterator[tuple[str, keras.Model, np.ndarray]]:
    """Each model with its name and one image: 32 x 32 pixels, then 224 x 224."""
    small = tfxai.load("cifar10_cnn")
    pixels = fit_image(sample_image("chelsea"), 32, 32)[None]
    yield "cifar10_cnn", small.model, np.asarray(small.prepare(pixels), np.float32)
    pixels = fit_image(sample_image("coffee"), 224, 224)[None].astype(np.float32)
    shared = Path(os.environ.get("TFXAI_TEST_DATA", ""), SHARED)
    if shared.is_file():
        yield "efficientnet_lite0", tfxai.load(shared).model, pixels
    else:
        keras.utils.set_random_seed(0)
        yield "resnet18", resnet18((224, 224, 3), 1000, 32, small_images=False), pixels / 255


def main(words: Sequence[str] | None = None) -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.export", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/gpu-programs"))
    out = parser.parse_args(words).out
    models = [export(out, *subject) for subject in subjects()]
    versions = {"tfxai": tfxai.__version__, "tensorflow": tf.__version__}
    text = json.dumps({"versions": versions, "models": models}, indent=1)
    (out / "programs.json").write_text(text + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 2**20:.0f} MiB")
    if size > LARGEST:
        raise SystemExit(f"More than {LARGEST / 2**20:.0f} MiB: too much to send about.")


if __name__ == "__main__":
    main()
