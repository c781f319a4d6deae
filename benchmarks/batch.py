"""`make batch`: runs over whole data sets, proven and timed on CIFAR-10's test images.

Values of two processes beside those of the methods called in process, damaged examples, a run that
is killed ten times, images a second beside a plain loop, and memory over many images.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from PIL import Image

import tfxai
from tfxai.batch import Explainer, Job, job_of, open_source, run_job
from tfxai.batch.explainer import columns_of
from tfxai.batch.inputs import INPUTS, Taken
from tfxai.batch.running import Engine, Processes
from tfxai.batch.sinks import writing
from tfxai.batch.sources.rows import Row
from tfxai.data.cifar10 import load_cifar10
from tfxai.data.samples import sample_image
from tfxai.errors import MissingExtraError, TfxaiWarning

MODEL = "cifar10_cnn"
CAM, IG = tfxai.GradCAM(), tfxai.IntegratedGradients(steps=20)
BATCH = 64


def main(parts: list[str]) -> None:
    """Prints a line for each proof and each time."""
    warnings.simplefilter("ignore", TfxaiWarning)
    images, _ = load_cifar10("test")
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PARTS.items():
            if not parts or name in parts:
                print(f"{name}: {part(images, Path(folder, name))}", flush=True)


def values(images: np.ndarray, folder: Path, engine: Engine | None = None) -> str:
    """Two processes beside the methods in process, in units of the largest value."""
    said = []
    for method, count in ((CAM, 10_000), (IG, 1_000)):
        source = open_source([f"cifar10:test[:{count}]"])
        job = job_of(source, Explainer(MODEL, (method,)), folder / method.name, batch_size=BATCH)
        made = run_job(job, engine=engine, workers=2)
        subject, worst = tfxai.load(MODEL), 0.0
        rows = _rows(folder / method.name, method.name)
        if made["counts"]["explained"] != count or len(rows) != count:
            raise SystemExit(f"{count} examples were to be explained: {made['counts']}")
        keys = list(rows)
        for start in range(0, count, 500):
            some = keys[start : start + 500]
            places = [int(key.rpartition("_")[2]) for key in some]
            direct = method(subject, images[places], progress=False).values
            given = np.stack([rows[key] for key in some])
            largest = np.abs(direct).reshape(len(some), -1).max(axis=1)
            off = np.abs(given - direct).reshape(len(some), -1).max(axis=1)
            worst = max(worst, float((off / np.maximum(largest, 1e-30)).max()))
        said.append(f"{method.name} of {count:,} images differs by {worst:.1e} at most")
    return "; ".join(said)


def ray(images: np.ndarray, folder: Path) -> str:
    """The same on a Ray of this machine; .venv-engines has it, after make engines."""
    try:
        from tfxai.batch.ray import Ray
    except MissingExtraError as error:
        return str(error)
    return values(images, folder, Ray((), 2, 1))


def damaged(images: np.ndarray, folder: Path) -> str:
    """One file in a hundred is damaged: all of those and no other are in the dead-letter file."""
    files = _files(images[:1000], folder / "data")
    bad = files[::100]
    for path in bad:
        path.write_bytes(path.read_bytes()[:60])
    job = job_of(open_source([f"{folder}/data/*.png"]), Explainer(MODEL, (CAM,)), folder / "out")
    counts = run_job(job)["counts"]
    lines = (folder / "out" / "failures.jsonl").read_text().splitlines()
    listed = [json.loads(line)["key"] for line in lines]
    if listed != [str(path) for path in bad] or counts["explained"] != len(files) - len(bad):
        raise SystemExit(f"Not all damaged files are listed: {counts}")
    return f"{len(listed)} of {len(files):,} are listed, {counts['explained']:,} explained"


def killed(images: np.ndarray, folder: Path) -> str:
    """500 images, `kill -9` ten times in the middle, beside an undisturbed run: equal bits."""
    words = ["--input", "cifar10:test[:500]", "-m", "integrated_gradients", "-o", "steps=20"]
    words += ["--batch-size", "16", "--shard-size", "16", "--threads", "1"]
    command = [sys.executable, "-m", "tfxai", "batch", MODEL, *words]
    out, kills = folder / "killed", 0
    while kills < 10:
        resume = ["--resume"] if (out / "manifest.json").exists() else []
        before = _done(out)
        process = subprocess.Popen(
            [*command, "--output", str(out), *resume],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and _done(out) < before + 2:
            time.sleep(0.002)
        time.sleep(0.03 * kills)  # at another place of a shard each time
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*command, "--output", str(out), "--resume"], **quiet)
    whole = folder / "whole"
    env = {**os.environ, "TFXAI_MEMORY_BUDGET": str(_budget(out))}
    subprocess.run([*command, "--output", str(whole)], env=env, **quiet)
    for path in sorted(whole.glob("data/part-*")):
        a, b = (pyarrow.parquet.read_table(one / "data" / path.name) for one in (whole, out))
        if not a.equals(b):
            raise SystemExit(f"{path.name} differs after {kills} kills")
    same = (whole / "summary.json").read_bytes() == (out / "summary.json").read_bytes()
    if not same:
        raise SystemExit(f"The summaries differ after {kills} kills")
    return f"equal to the last bit after {kills} kills"


def rate(images: np.ndarray, folder: Path) -> str:
    """Images a second beside a plain loop of the same batches, model load left out.

    The loop has its images in memory, or reads the same files.
    """
    files = _files(images[:1024], folder / "data")
    source = open_source([f"{folder}/data/*.png"])
    said = []
    for method in (CAM, IG):
        subject = tfxai.load(MODEL)
        parts = [slice(i, i + BATCH) for i in range(0, len(files), BATCH)]
        job = job_of(source, Explainer(MODEL, (method,)), folder / "out", batch_size=BATCH,
                     shard_size=256)  # fmt: skip

        def held() -> None:
            for part in parts:  # noqa: B023
                method(subject, images[part], progress=False)  # noqa: B023

        def read() -> None:
            for part in parts:  # noqa: B023
                pixels = np.stack([np.asarray(Image.open(path)) for path in files[part]])
                method(subject, pixels, progress=False)  # noqa: B023

        def run() -> None:
            shutil.rmtree(folder / "out", ignore_errors=True)
            for shard in range(job.shards):  # noqa: B023
                job.run(shard)  # noqa: B023

        taken = [[_once(work) for work in (held, read, run)] for _ in range(4)][1:]
        for place, what in enumerate(("holds", "reads")):
            ratios = [one[place] / one[2] for one in taken]  # the first round traces
            low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
            said.append(
                f"{method.name} {middle:.2f} [{low:.2f}, {high:.2f}] of a loop that {what} images"
            )
    return "; ".join(said)


def workers(images: np.ndarray, folder: Path) -> str:
    """Two processes with a thread each beside one with two, model load and start left in."""
    source = open_source(["cifar10:test[:2000]"])
    seconds = {}
    for count in (1, 2):
        job = job_of(source, Explainer(MODEL, (IG,)), folder / str(count), batch_size=BATCH)
        start = time.perf_counter()
        run_job(job, workers=count)
        seconds[count] = time.perf_counter() - start
    return f"two processes take {seconds[2] / seconds[1]:.2f} of the time of one"


def cost(images: np.ndarray, folder: Path) -> str:
    """Milliseconds an image takes to be read, explained and written."""
    _files(images[:512], folder / "data")
    source = open_source([f"{folder}/data/*.png"])
    said = []
    for method in (CAM, IG):
        explainer = Explainer(MODEL, (method,))
        job = job_of(source, explainer, folder / "out", batch_size=BATCH, shard_size=512)
        batches = [images[i : i + BATCH] for i in range(0, 512, BATCH)]
        answers = [explainer.attributions({"inputs": one}) for one in batches]
        spent = {
            "read": _seconds(lambda: list(source.read(0, 512))),
            "explain": _seconds(
                lambda: [explainer.attributions({"inputs": one}) for one in batches]  # noqa: B023
            ),
            "write": _seconds(lambda: _written(job, answers)),  # noqa: B023
        }
        words = ", ".join(f"{name} {1e3 * one / 512:.2f} ms" for name, one in spent.items())
        said.append(f"{method.name}: {words}")
    return "; ".join(said)


def photographs(images: np.ndarray, folder: Path) -> str:
    """Milliseconds a photograph takes to become 224 x 224 pixels, and its values to be written."""
    folder.mkdir(parents=True)
    picture = Image.fromarray(sample_image("coffee")).resize((500, 375))
    for i in range(64):
        picture.save(folder / f"{i}.jpg")
    source = open_source([f"{folder}/*.jpg"])
    taken = Taken({INPUTS: (224, 224, 3)}, takes_texts=False, knows_pixels=True)
    rows = [row for row in source.read(0, 64) if isinstance(row, Row)]
    columns = {"values": np.zeros((64, 224, 224, 3), np.float32), "key": np.arange(64).astype(str)}

    def write() -> None:
        words: dict[str, Any] = {"are_fixed": True, "classes": None, "feature": INPUTS}
        with writing("parquet", folder / "values.parquet", **words) as file:
            file(columns)

    spent = {
        "read": _seconds(lambda: list(source.read(0, 64))),
        "resize": _seconds(lambda: [taken.read(row) for row in rows]),
        "write": _seconds(write),
    }
    return ", ".join(f"{name} {1e3 * one / 64:.2f} ms" for name, one in spent.items())


def simulated(images: np.ndarray, folder: Path) -> str:
    """A run with a model that only waits, beside the arithmetic N max(read, explain) / W."""
    _files(images[:2048], folder / "data")
    source = open_source([f"{folder}/data/*.png"])
    read = _seconds(lambda: list(source.read(0, 512))) / 512
    said = []
    for count in (1, 2, 4):
        stub = Waiting(0.02)
        job = Job(source, stub, str(folder / f"{count}"), batch_size=32, shard_size=32)
        times: list[float] = []
        Processes(count, 1)(job, job.todo(), lambda _: times.append(time.perf_counter()))  # noqa: B023
        first = job.shards // 2  # every process has long begun, and none has run out of work
        last = job.shards - 2 * count
        wanted = (last - first) * job.shard_size * max(stub.seconds, read) / count
        said.append(f"{count} processes {(times[last] - times[first]) / wanted:.2f}")
    return "time over the arithmetic's: " + ", ".join(said)


@dataclasses.dataclass(frozen=True)
class Waiting:
    """Stands for an `Explainer` whose model waits.

    Args:
        seconds: How long for each image.
    """

    seconds: float
    target_column: None = None

    @property
    def subject(self) -> Any:
        """What is asked of it: images of CIFAR-10's size."""
        spec = types.SimpleNamespace(name="x", shape=(None, 32, 32, 3))
        model = types.SimpleNamespace(inputs=[spec])
        words = {"encoder": None, "card": None, "preprocessing": True, "classes": None}
        return types.SimpleNamespace(model=model, **words)

    def setup(self) -> None:
        """There is nothing to load."""

    def attributions(self, batch: dict[str, Any]) -> list[tfxai.Attribution]:
        """Maps of zeros, after a while."""
        count = len(batch["inputs"])
        time.sleep(self.seconds * count)
        zeros = np.zeros(count, np.float32)
        maps = np.zeros((count, 32, 32), np.float32)
        record = {"name": "waiting", "options": {}}
        words = {"target": zeros.astype(np.int32), "score": zeros, "method": record}
        return [tfxai.Attribution(maps, maps, score_name="logit", is_map=True, **words)]


def _seconds(work: Callable[[], Any]) -> float:
    """The median of three times, after one that counts for nothing."""
    return statistics.median([_once(work) for _ in range(4)][1:])


def _once(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _written(job: Job, answers: list[Any]) -> None:
    path = Path(job.output, "one.parquet")
    path.parent.mkdir(exist_ok=True)
    with writing("parquet", path, are_fixed=True, classes=None) as write:
        for (one,) in answers:
            keys = {"key": np.array([f"{i}" for i in range(len(one))])}
            write(keys | columns_of(one))


def memory(images: np.ndarray, folder: Path) -> str:
    """Resident memory after 2,000 images and after 10,000, in a process of its own."""
    code = (
        "from benchmarks.batch import flat; from pathlib import Path; import sys;"
        "print(flat(Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def flat(folder: Path) -> str:
    """What `memory` asks its process."""
    job = job_of(open_source(["cifar10:test"]), Explainer(MODEL, (CAM,)), folder, batch_size=BATCH)
    peaks = []
    for shard in range(job.shards):
        job.run(shard)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    early = peaks[len(peaks) // 5]
    return f"{early:,.0f} MiB at most up to 2,000 images, {peaks[-1]:,.0f} MiB up to 10,000"


def _files(images: np.ndarray, folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{i:05d}.png" for i in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def _rows(folder: Path, method: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("data/part-*.parquet")):
        table = pyarrow.parquet.read_table(path, columns=["key", f"{method}/values"])
        arrays = table.column(1).combine_chunks().to_numpy_ndarray()
        found |= dict(zip(table.column(0).to_pylist(), arrays, strict=True))
    return found


def _done(folder: Path) -> int:
    return len(list(folder.glob("_shards/*.json")))


def _budget(folder: Path) -> int:
    record = json.loads((folder / "manifest.json").read_text())
    return int(record["configuration"]["memory_budget"])


PARTS = {
    "values": values,
    "ray": ray,
    "damaged": damaged,
    "killed": killed,
    "rate": rate,
    "workers": workers,
    "cost": cost,
    "photographs": photographs,
    "simulated": simulated,
    "memory": memory,
}

if __name__ == "__main__":
    main(sys.argv[1:])
