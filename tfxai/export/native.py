"""Running signatures through TensorFlow's C interface, by a program that is compiled here."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.export.protos import Feeds

SOURCE = Path(__file__).with_name("run_signatures.c")
_LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")


def missing() -> str | None:
    """What is not there that the program needs, or None."""
    if shutil.which("gcc") is None:
        return "there is no gcc"
    include, libraries = Path(tf.sysconfig.get_include()), Path(tf.sysconfig.get_lib())
    for path in (*(libraries / one for one in _LIBRARIES), include / "tensorflow/c/c_api.h"):
        if not path.is_file():
            return f"TensorFlow came without {path.name}"
    return None


def compile_program(folder: Path) -> Path:
    """The program, compiled into a folder.

    Raises:
        RuntimeError: gcc refuses.
    """
    program, libraries = folder / "run_signatures", tf.sysconfig.get_lib()
    words = ["gcc", "-O1", "-o", str(program), str(SOURCE), f"-I{tf.sysconfig.get_include()}"]
    words += [f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    words += [f"-l:{library}" for library in _LIBRARIES]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"gcc: {done.stderr.strip().partition(chr(10))[0]}")
    return program


def run_program(
    program: Path,
    folder: Path,
    signatures: Mapping[str, Any],
    cases: Mapping[str, Feeds],
    env: Mapping[str, str],
) -> dict[str, dict[str, Array] | str]:
    """What each case gives, or the error it ends with.

    Args:
        program: From `compile_program`.
        folder: Folder of the SavedModel.
        signatures: `SignatureDef` by name.
        cases: Inputs by the name of a signature, or that and `@` and anything.
        env: Environment of the process.

    Raises:
        RuntimeError: The model cannot be loaded.
    """
    jobs, answers = program.with_name("jobs"), program.with_name("answers")
    with jobs.open("wb") as file:
        file.write(struct.pack("<i", len(cases)))
        for case, feeds in cases.items():
            _write_job(file, signatures[case.partition("@")[0]], feeds)
    words = [str(program), str(folder), str(jobs), str(answers)]
    done = subprocess.run(words, capture_output=True, text=True, env=env, errors="replace")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError(lines[-1] if lines else f"it ended with {done.returncode}")
    with answers.open("rb") as file:
        return {
            case: _read_answer(file, list(signatures[case.partition("@")[0]].outputs))
            for case in cases
        }


def _write_job(file: BinaryIO, signature: Any, feeds: Feeds) -> None:
    file.write(struct.pack("<i", len(feeds)))
    for name, array in feeds.items():
        info = signature.inputs[name]
        _write_end(file, info.name)
        _write_tensor(file, array, info.dtype)
    file.write(struct.pack("<i", len(signature.outputs)))
    for name in signature.outputs:
        _write_end(file, signature.outputs[name].name)


def _write_end(file: BinaryIO, tensor: str) -> None:
    name, _, index = tensor.partition(":")
    file.write(struct.pack("<i", len(name.encode())) + name.encode())
    file.write(struct.pack("<i", int(index or 0)))


def _write_tensor(file: BinaryIO, array: Array, dtype: int) -> None:
    kind = tf.as_dtype(dtype)
    file.write(
        struct.pack("<ii", dtype, array.ndim) + struct.pack(f"<{array.ndim}q", *array.shape)
    )
    if kind == tf.string:
        texts = [one if isinstance(one, bytes) else str(one).encode() for one in array.ravel()]
        file.write(struct.pack("<q", len(texts)))
        for text in texts:
            file.write(struct.pack("<q", len(text)) + text)
        return
    data = np.ascontiguousarray(array, kind.as_numpy_dtype).tobytes()
    file.write(struct.pack("<q", len(data)) + data)


def _read_answer(file: BinaryIO, names: list[str]) -> dict[str, Array] | str:
    (failed,) = _unpacked(file, "<i")
    if failed:
        (length,) = _unpacked(file, "<i")
        return file.read(length).decode("utf-8", "replace").partition("\n")[0]
    return {name: _read_tensor(file) for name in names}


def _read_tensor(file: BinaryIO) -> Array:
    dtype, rank = _unpacked(file, "<ii")
    shape = _unpacked(file, f"<{rank}q")
    (size,) = _unpacked(file, "<q")
    kind = tf.as_dtype(dtype)
    if kind == tf.string:
        texts = [file.read(_unpacked(file, "<q")[0]) for _ in range(size)]
        return np.array(texts, object).reshape(shape)
    return np.frombuffer(file.read(size), kind.as_numpy_dtype).reshape(shape)


def _unpacked(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))
