"""What `tfxai batch` takes beside what every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ENGINES = ("local", "beam", "ray", "spark")

Given = Annotated[
    list[str],
    typer.Option(
        "--input",
        "-i",
        metavar="GLOB",
        help="Files of images, TFRecords of tf.Example, Parquet or JSON lines (as for Vertex AI), "
        "a folder of images or of class folders, or tfds:NAME:SPLIT. May be repeated, but for "
        "tfds:.",
    ),
]
Output = Annotated[Path, typer.Option("--output", metavar="DIR", help="A new folder.")]
InputFormat = Annotated[
    str | None,
    typer.Option(
        metavar="images|tfrecord|parquet|jsonl",
        help="What the files hold, where their names do not say it.",
        show_default=False,
    ),
]
Format = Annotated[
    str,
    typer.Option("--format", metavar="parquet|tfrecord|vertex", help="What is written."),
]
InputFields = Annotated[
    list[str],
    typer.Option(
        "--input-field",
        metavar="NAME",
        help="The field that the model is given: an array, an encoded image or a text. Several "
        "are numbers side by side, or one for each input of the model. Repeat it for several.",
        show_default=False,
    ),
]
LabelField = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The field of the true class, as a number or a name. Of images it is their folder.",
        show_default=False,
    ),
]
KeyField = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The field that names an example; its file and place name it if left out.",
        show_default=False,
    ),
]
Keep = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="Another field that goes into the results. May be repeated.",
        show_default=False,
    ),
]
Condition = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION",
        help='Explain only examples for which it holds, such as "probability < 0.5 or prediction '
        '!= label". It may name prediction, probability, label, key and fields of the data, and '
        "join comparisons by and, or, not.",
        show_default=False,
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Examples explained at once.")]
ShardSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Examples in a file, between which a run can be stopped; by their number if left "
        "out, at most 1,000.",
        show_default=False,
    ),
]
Workers = Annotated[int, typer.Option(min=1, help="Processes that share the work.")]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Threads of TensorFlow in each process. If left out, processes of this machine share "
        "the cores, and those of another engine have one.",
        show_default=False,
    ),
]
ChunkSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Most rows that a method runs through the model at once; by the memory if left out.",
        show_default=False,
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", metavar="|".join(ENGINES), help="What runs the shards.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Remove the results of an earlier run in DIR first.")
]
EngineWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- ENGINE OPTION...]",
        help="Options of the engine, such as --runner=FlinkRunner of Beam.",
        show_default=False,
    ),
]
