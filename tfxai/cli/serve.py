"""`tfxai serve`: explanations over HTTP, beside a TensorFlow Serving or without one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments

if TYPE_CHECKING:
    from tfxai.serving.limits import ServerLimits
    from tfxai.serving.models.model import Models
    from tfxai.serving.sampling import Sample

TOKEN = "TFXAI_SERVE_TOKEN"
LEVELS = ("debug", "info", "warning", "error")
_MB = 2**20

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
        help="With --model: a method to export it with. Repeat it for several. [default: "
        "integrated_gradients, grad_cam and saliency, as far as they explain the model]",
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


def serve(  # noqa: PLR0913 - an option for each limit
    upstream: Upstream = None,
    model_base_path: Base = None,
    model: Files = [],  # noqa: B006 - typer copies it
    method: Methods = [],  # noqa: B006
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    model_name: Names = [],  # noqa: B006
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = 8502,
    grpc_port: GrpcPort = None,
    keep: Annotated[
        int, typer.Option(min=1, help="Number of newest versions of a model to serve.")
    ] = 1,
    label: Labels = [],  # noqa: B006
    poll: Annotated[
        float,
        typer.Option(min=0.05, metavar="SECONDS", help="Time between checks for new versions."),
    ] = 1.0,
    timeout: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="Time limit of a request; 504 beyond it."),
    ] = 60.0,
    max_body: Annotated[
        float,
        typer.Option(min=0.001, metavar="MB", help="Largest body of a request; 413 beyond it."),
    ] = 16.0,
    max_instances: Annotated[
        int, typer.Option(min=1, help="Most instances in a request; 413 beyond it.")
    ] = 64,
    max_steps: Annotated[
        int,
        typer.Option(
            min=1,
            help="Most runs of the model per instance: steps, samples, masks; 413 beyond it.",
        ),
    ] = 10_000,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Most pixels of an image before resizing; 413 beyond it.")
    ] = 2**25,
    max_answer: Annotated[
        float,
        typer.Option(
            min=0.001,
            metavar="MB",
            help="With --upstream: largest answer of the server behind; 502 beyond it.",
        ),
    ] = 64.0,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Explanations that run at once, and as many predictions beside them. "
            "[default: number of processors]",
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(min=0, help="Most requests of each kind that wait; 429 beyond it."),
    ] = 64,
    max_connections: Annotated[
        int,
        typer.Option(
            min=1,
            help="Most connections at a time; beyond it the one that has been silent longest is "
            "closed.",
        ),
    ] = 512,
    drain: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Time that it still listens after SIGTERM."),
    ] = 1.0,
    token_file: TokenFile = None,
    sample: Share = None,
    sample_to: SampleTo = None,
    sample_inputs: SampleInputs = False,
    trust: Trust = False,
    log_level: Annotated[str, typer.Option(metavar="|".join(LEVELS))] = "info",
) -> None:
    """Answer :explain, :predict and a page in the browser over HTTP."""
    from tfxai.cli.runtime import start
    from tfxai.cli.serve_models import exported, read_models
    from tfxai.cli.terminal import say, shown
    from tfxai.errors import InvalidInputError, MissingExtraError, OutputError

    versions = bool(label or keep != 1 or poll != 1.0)
    how = bool(method or preprocessing or classes)
    _check_sources(upstream, model_base_path, model, versions=versions, how=how, trust=trust)
    if model_name and upstream is None:
        raise InvalidInputError(
            "--model-name is for --upstream. Leave it out: every model of this server is served."
        )
    if log_level not in LEVELS:
        raise InvalidInputError(f"--log-level was expected to be one of {', '.join(LEVELS)}.")
    token = _token(token_file)
    try:
        from tfxai.serving.transport.listening import listen
        from tfxai.serving.transport.logs import log_to_stderr
        from tfxai.serving.transport.running import runner
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(str(error.name), "serve") from error
    from tfxai.serving.models.garbage import settled
    from tfxai.serving.transport.app import Server

    limits = _limits(
        body=int(max_body * _MB),
        instances=max_instances,
        steps=max_steps,
        pixels=max_pixels,
        concurrency=concurrency,
        queue=queue,
        seconds=timeout,
        answer=int(max_answer * _MB),
        connections=max_connections,
    )
    files = read_models(model)
    kept = _sample(sample, sample_to, inputs=sample_inputs)
    grpc_at = None if grpc_port is None else (host, grpc_port)
    if grpc_at is not None:
        listen(*grpc_at).close()  # a port that is taken is told before anything starts
    with contextlib.ExitStack() as stack:
        if upstream is not None:
            models = _upstream(upstream, model_name, limits)
        else:
            start()
            base = model_base_path
            if base is None:
                known = {"preprocessing": preprocessing, "classes": classes}
                base = stack.enter_context(exported(files, method, known, trust=trust))
            models = _folder(base, label, keep, poll, trust)
        listening = listen(host, port)
        log_to_stderr(log_level)
        where = listening.getsockname()
        shown_host = f"[{where[0]}]" if ":" in where[0] else where[0]
        what = upstream or ", ".join(files) or str(model_base_path)
        say(f"Serving {shown(what)} at http://{shown_host}:{where[1]}/")
        if grpc_port is not None:
            say(f"gRPC at {shown_host}:{grpc_port}")
        serving = runner(Server(models, limits, token, grpc_at, kept), drain=drain)
        stack.enter_context(settled())
        serving.run(sockets=[listening])
        if not serving.started:
            raise OutputError("The server could not start. Its log says why.")


def _check_sources(
    upstream: str | None,
    base: Path | None,
    models: list[str],
    *,
    versions: bool,
    how: bool,
    trust: bool,
) -> None:
    """Whether there is one source of models, and no option of another one.

    Args:
        upstream: As for `serve`.
        base: As for `serve`.
        models: As for `serve`.
        versions: Whether an option says what of a folder is served.
        how: Whether one says how a model is exported.
        trust: As for `serve`.
    """
    from tfxai.errors import InvalidInputError

    if (upstream is not None) + (base is not None) + bool(models) != 1:
        raise InvalidInputError(
            "Pass one of --model-base-path BASE, a folder of exported models, --model NAME=FILE, "
            "a model to export on start, and --upstream URL, a TensorFlow Serving that has models."
        )
    if upstream is not None and (versions or trust):
        raise InvalidInputError(
            "--label, --keep, --poll and --trust say what of a folder is served. Leave them out: "
            "the server behind --upstream chooses its versions itself."
        )
    if models and versions:
        raise InvalidInputError(
            "--label, --keep and --poll are for the versions in --model-base-path. Leave them "
            "out: --model is exported once, as version 1."
        )
    if not models and how:
        raise InvalidInputError(
            "--method, --preprocessing and --classes are for --model. Leave them out: an export "
            "says these itself."
        )


def _sample(share: float | None, folder: Path | None, *, inputs: bool) -> Sample | None:
    """What keeps a sample of the answers."""
    from tfxai.errors import InvalidInputError
    from tfxai.serving.sampling import Sample

    if (share is None) != (folder is None) or (inputs and share is None):
        raise InvalidInputError(
            "--sample SHARE and --sample-to DIR belong together, and --sample-inputs to both. "
            "Pass how much of the answers is kept, and where."
        )
    return None if not share or folder is None else Sample(share, folder, inputs=inputs)


def _limits(**said: Any) -> ServerLimits:
    from tfxai.serving.limits import ServerLimits

    return ServerLimits(**{name: value for name, value in said.items() if value is not None})


def _upstream(url: str, names: list[str], limits: ServerLimits) -> Models:
    if url.startswith("grpc://"):
        from tfxai.serving.models.grpc_upstream import GrpcUpstream

        return GrpcUpstream(url, names, answer=limits.answer)
    from tfxai.serving.models.upstream import Upstream

    return Upstream(url, names, connections=3 * limits.concurrency + 4, answer=limits.answer)


def _folder(base: Path, labels: list[str], keep: int, poll: float, trust: bool) -> Models:
    from tfxai.serving.models.garbage import settle
    from tfxai.serving.models.versions import VersionFolder

    return VersionFolder(
        base,
        keep=keep,
        labels=_labels(labels),
        poll_seconds=poll,
        trust=trust,
        changed=settle,
    )


def _labels(said: list[str]) -> dict[str, dict[str, int]]:
    """Name to label to version."""
    from tfxai.errors import InvalidInputError

    found: dict[str, dict[str, int]] = {}
    for one in said:
        place, _, version = one.partition("=")
        name, _, label = place.rpartition(":")
        if not name or not label or not version.isdigit():
            raise InvalidInputError(
                f"--label {one!r} was expected to be NAME:LABEL=VERSION, such as "
                "cifar10_cnn:stable=3."
            )
        found.setdefault(name, {})[label] = int(version)
    return found


def _token(file: Path | None) -> str | None:
    """The token that requests have to carry."""
    from tfxai.errors import DataNotFoundError, InvalidInputError

    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise DataNotFoundError(
            f"The token cannot be read from {str(file)!r}. Pass a text file that holds it."
        ) from error
    if not token:
        raise InvalidInputError(f"{str(file)!r} holds no token. Write one into it.")
    return token
