"""`tfxai batch`: explanations of a whole data set, written shard by shard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tfxai.cli import arguments, batch_options, explain
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.batch.job import Job
    from tfxai.batch.shards import ShardReport
    from tfxai.batch.summary import Summary


def batch(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    words: batch_options.EngineWords = None,
    given: batch_options.Given = [],  # noqa: B006 - typer copies it
    output: batch_options.Output = Path("out/batch"),
    method: explain.Methods = ["grad_cam"],  # noqa: B006 - typer copies it
    option: explain.Options = [],  # noqa: B006 - typer copies it
    layer: explain.Layer = None,
    target: explain.Target = None,
    true_label: explain.TrueLabel = False,
    score: explain.Score = None,
    contrast: explain.Contrast = None,
    at: explain.At = None,
    input_format: batch_options.InputFormat = None,
    input_field: batch_options.InputFields = [],  # noqa: B006 - typer copies it
    label_field: batch_options.LabelField = None,
    key_field: batch_options.KeyField = None,
    keep: batch_options.Keep = [],  # noqa: B006 - typer copies it
    where: batch_options.Condition = None,
    kind: batch_options.Format = "parquet",
    batch_size: batch_options.BatchSize = 32,
    shard_size: batch_options.ShardSize = None,
    chunk_size: batch_options.ChunkSize = None,
    workers: batch_options.Workers = 1,
    threads: batch_options.Threads = None,
    engine: batch_options.EngineName = "local",
    resume: batch_options.Resume = False,
    overwrite: batch_options.Overwrite = False,
    preprocessing: arguments.Preprocessing = None,
    resize: arguments.Resize = None,
    classes: arguments.Classes = None,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    trust: arguments.Trust = False,
    as_json: arguments.Json = False,
) -> None:
    """Explain a whole data set, on one machine or many, and go on after a stop."""
    from tfxai import registry
    from tfxai.batch.where import Where
    from tfxai.cli.image_classifier import named_preprocessing
    from tfxai.cli.picking import pick_methods, read_score, read_target
    from tfxai.cli.runtime import start
    from tfxai.data.classes import read_classes

    _check_words(given, kind, engine, words)
    if target is not None and true_label:
        raise InvalidInputError(
            f"--target {target} came with --true-label, and both say what to explain. Pass one."
        )
    asked = None if where is None else Where(where)
    registry.find(model)
    chosen = named_preprocessing(preprocessing)
    named = None if classes is None else read_classes(classes)
    start()
    from tfxai.batch.explainer import Explainer
    from tfxai.batch.sources import Fields, open_source

    wanted = tuple(dict.fromkeys([*keep, *(asked.fields if asked else ())]))
    fields = Fields(tuple(input_field), label_field, key_field, wanted)
    source = open_source(given, fields, input_format)
    explainer = Explainer(
        model,
        tuple(pick_methods(method, option, layer)),
        target=read_target(target),
        target_column="label" if true_label else None,
        score=read_score(score, contrast, target),
        at=at,
        preprocessing=chosen,
        chunk_size=chunk_size or "auto",
        trust=trust,
        modules=tuple(modules),
        classes=named,
    )
    from tfxai.batch import job_of, run_job

    job = job_of(
        source,
        explainer,
        output,
        kind=kind,
        batch_size=batch_size,
        shard_size=shard_size,
        where=asked,
        resize=resize,
    )
    runner = _engine(engine, workers, threads or 1, words or [])
    with _Shown(job).bar() as tell:
        made = run_job(
            job,
            engine=runner,
            workers=workers,
            threads=threads,
            resume=resume,
            overwrite=overwrite,
            done=tell,
        )
    _show(job, made, as_json=as_json)
    if made["counts"]["failed"]:
        from tfxai.cli.bad_files import LEFT_OUT

        raise typer.Exit(LEFT_OUT)


def _check_words(given: list[str], kind: str, engine: str, words: list[str] | None) -> None:
    from tfxai.batch.formats import FORMATS

    if not given:
        raise InvalidInputError(
            "There is no --input. Pass a glob of files, a folder of images or tfds:NAME:SPLIT."
        )
    if kind not in FORMATS:
        raise UnknownNameError.of("format", kind, FORMATS)
    if engine not in batch_options.ENGINES:
        raise UnknownNameError.of("engine", engine, batch_options.ENGINES)
    if words and not words[0].startswith("-"):
        raise InvalidInputError(
            f"{words[0]!r} came without --input. Put a pattern into quotes, as in --input "
            "'photos/*.jpg', or repeat --input."
        )
    if words and engine == "local":
        raise InvalidInputError(
            f"{words[0]!r} is an option of an engine, and the engine is local. Pass --engine beam."
        )


def _engine(name: str, workers: int, threads: int, words: list[str]) -> Any:
    if name == "local":
        return None
    if name == "beam":
        from tfxai.batch.beam import Beam

        return Beam(tuple(words), workers, threads)
    if name == "ray":
        from tfxai.batch.ray import Ray

        return Ray(tuple(words), workers, threads)
    from tfxai.batch.spark import Spark

    return Spark(tuple(words), workers, threads)


class _Shown:
    """Examples done, how fast, failures and the time left: a bar, or a line now and then."""

    EVERY = 30.0  # seconds between lines where there is no terminal

    def __init__(self, job: Job) -> None:
        self._total, self._job = job.source.count, job
        self._done = self._failed = 0
        self._start = self._last = time.monotonic()

    def bar(self) -> Any:
        """A context that gives the function to call with each report."""
        import contextlib

        from tfxai.cli.terminal import Counted, remark

        counted = Counted("Explaining", self._total)

        def tell(report: ShardReport) -> None:
            self._done += report.examples
            self._failed += len(report.failures)
            now = time.monotonic()
            rate = self._done / max(now - self._start, 1e-9)
            counted.rename(f"Explaining, {rate:,.1f} a second, {self._failed:,} failed")
            counted.reach(self._done)
            if not counted.is_shown and now - self._last > self.EVERY:
                self._last = now
                left = (self._total - self._done) / rate
                remark(
                    f"{self._done:,} of {self._total:,} examples, {rate:,.1f} a second, "
                    f"{self._failed:,} failed, {left:,.0f} s left."
                )

        @contextlib.contextmanager
        def shown() -> Any:
            with counted.shown():
                yield tell

        return shown()


def _show(job: Job, made: dict[str, Any], *, as_json: bool) -> None:
    from tfxai.batch.summary import FIGURE, Summary
    from tfxai.cli.terminal import print_json, print_laid_out, remark, say, shown, table

    folder, counts = Path(job.output), made["counts"]
    found = Summary.read(folder)
    if found.methods:
        found.plot(folder / FIGURE)
    if as_json:
        print_json(made)
        return
    rows = table("Examples", "Explained", "Left out", "Failed", right=(0, 1, 2, 3))
    names = ("examples", "explained", "left_out", "failed")
    rows.add_row(*(f"{counts[name]:,}" for name in names))
    print_laid_out(rows)
    say()
    data = job.data_file(0).parent
    files = sorted(data.glob(f"part-*{job.data_file(0).suffix}"))
    if len(files) == 1:
        say(shown(files[0]))
    elif files:
        say(f"{len(files):,} files in {shown(data)}: {shown(files[0].name)} ...")
    say(shown(folder / "manifest.json"))
    _show_methods(found, folder)
    if unnamed := counts["labels_of_no_class"]:
        few = ", ".join(map(repr, made["unnamed_labels"]))
        advice = "Correct them, or the names of the classes (--classes)"
        if not made["configuration"]["classes"]:
            advice = "The model's classes have no names: pass --classes"
        what = "example has a label" if unnamed == 1 else "examples have labels"
        name, be = ("names", "is") if unnamed == 1 else ("name", "are")
        remark(
            f"{unnamed:,} {what} that {name} no class of the model and {be} written as -1, such "
            f"as {few}. {advice}."
        )
    if count := made["repeated_keys"]:
        who = (
            "example has a key that an earlier one has"
            if count == 1
            else ("examples have keys that earlier ones have")
        )
        remark(f"{count:,} {who}. Choose another --key-field to tell them apart.")
    if counts["failed"]:
        say(shown(folder / "failures.jsonl"))
        _show_reasons(made)
    if count := counts["cropped_or_resized"]:
        how = f"{job.resize} x {job.resize} pixels" if job.resize else "the model's size"
        what = (
            "picture has another size and was"
            if count == 1
            else "pictures have another size and were"
        )
        remark(f"{count:,} {what} cropped or resized to {how}.")


def _show_reasons(made: dict[str, Any]) -> None:
    """Says why examples failed, the commonest reasons first."""
    from tfxai.cli.terminal import remark

    failed, told = made["counts"]["failed"], made["failure_reasons"][:_REASONS]
    for one in told:
        remark(f"{one['count']:,} failed: {one['reason']}")
    if rest := failed - sum(one["count"] for one in told):
        remark(f"{rest:,} failed for other reasons, which failures.jsonl has.")


_REASONS = 3  # that are shown


def _show_methods(found: Summary, folder: Path) -> None:
    """Prints what each method gave as a whole."""
    from tfxai.batch.summary import FIGURE, WIDE
    from tfxai.cli.terminal import print_laid_out, say, shown, table

    if found.methods:
        rows = table("Method", "Examples", "Mean |value|", "Gaps > 10 %", right=(1, 2, 3))
        for name, one in found.methods.items():
            count = sum(n for n, _, _ in one.masses.values())
            mean = sum(total for _, total, _ in one.masses.values()) / count
            wide = f"{sum(one.gaps[WIDE:]):,}" if one.gaps else ""
            rows.add_row(name, f"{count:,}", f"{mean:.3g}", wide)
        say()
        print_laid_out(rows)
        say()
        say(shown(folder / FIGURE))
    say(shown(folder / "summary.json"))
