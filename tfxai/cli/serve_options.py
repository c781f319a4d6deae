"""The options of `tfxai serve`: what each may be, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli.completion import method_names

TOKEN = "TFXAI_SERVE_TOKEN"
LEVELS = ("debug", "info", "warning", "error")

Upstream = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A TensorFlow Serving to stand in front of, http://HOST:8501 or grpc://HOST:8500. "
        "TensorFlow is not imported.",
        show_default=False,
    ),
]
Base = Annotated[
    Path | None,
    typer.Option(
        metavar="BASE",
        help="Serve the models in this folder, BASE/NAME/VERSION as `tfxai export` writes them. "
        "New versions are noticed.",
        show_default=False,
    ),
]
Files = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="NAME=FILE",
        help="Serve a .keras file, or a model that ships, by that name: it is exported on start, "
        "into a temporary folder. Repeat it for several.",
        show_default=False,
    ),
]
Methods = Annotated[
    list[str],
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        autocompletion=method_names,
        help="With --model: a method to export it with. Repeat it for several. [default: "
        "integrated_gradients, grad_cam and saliency, as far as they explain the model]",
        show_default=False,
    ),
]
MethodOptions = Annotated[
    list[str],
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        help="With --model: an option of every method that has it, such as steps=100, or of one: "
        "integrated_gradients.steps=100. Repeat it for several.",
        show_default=False,
    ),
]
Names = Annotated[
    list[str],
    typer.Option(
        "--model-name",
        metavar="NAME",
        help="With --upstream: a model that has to be available before this server is ready, and "
        "that its page offers. Repeat it for several.",
        show_default=False,
    ),
]
Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        metavar="NAME:LABEL=VERSION",
        help="With --model-base-path: a label for a version, which is served beside the newest.",
        show_default=False,
    ),
]
GrpcPort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Answer gRPC at this port too: TensorFlow Serving's services and the Open Inference "
        "Protocol's, explain signatures included.",
        show_default=False,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Requests must carry the token in this file, as Authorization: Bearer. Or set "
        f"{TOKEN}.",
        show_default=False,
    ),
]
Share = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="SHARE",
        help="Keep this share of the explained examples, such as 0.01, in --sample-to: summaries "
        "of values, scores, predictions.",
        show_default=False,
    ),
]
SampleTo = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the sample, 128 MB at most.", show_default=False),
]
SampleInputs = Annotated[
    bool, typer.Option("--sample-inputs", help="Keep what came in the requests, too.")
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="With --model-base-path: load every version whatever tfxai inspect finds in it, new "
        "ones included, and run what they bring.",
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
]
Keep = Annotated[int, typer.Option(min=1, help="Number of newest versions of a model to serve.")]
Poll = Annotated[
    float,
    typer.Option(min=0.05, metavar="SECONDS", help="Time between checks for new versions."),
]
Timeout = Annotated[
    float,
    typer.Option(min=0.1, metavar="SECONDS", help="Time limit of a request; 504 beyond it."),
]
MaxBody = Annotated[
    float,
    typer.Option(min=0.001, metavar="MB", help="Largest body of a request; 413 beyond it."),
]
MaxInstances = Annotated[
    int, typer.Option(min=1, help="Most instances in a request; 413 beyond it.")
]
MaxSteps = Annotated[
    int,
    typer.Option(
        min=1,
        help="Most runs of the model per instance: steps, samples, masks; 413 beyond it.",
    ),
]
MaxPixels = Annotated[
    int, typer.Option(min=1, help="Most pixels of an image before resizing; 413 beyond it.")
]
MaxAnswer = Annotated[
    float,
    typer.Option(
        min=0.001,
        metavar="MB",
        help="With --upstream: largest answer of the server behind; 502 beyond it.",
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Explanations that run at once, and as many predictions beside them. "
        "[default: number of processors]",
    ),
]
Queue = Annotated[
    int,
    typer.Option(min=0, help="Most requests of each kind that wait; 429 beyond it."),
]
MaxConnections = Annotated[
    int,
    typer.Option(
        min=1,
        help="Most connections at a time; beyond it the one that has been silent longest is "
        "closed.",
    ),
]
Drain = Annotated[
    float,
    typer.Option(min=0, metavar="SECONDS", help="Time that it still listens after SIGTERM."),
]
LogLevel = Annotated[str, typer.Option(metavar="|".join(LEVELS))]
