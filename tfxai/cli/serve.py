"""`tfxai serve`: explanations over HTTP, beside a TensorFlow Serving or without one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.cli import arguments
from tfxai.cli import serve_options as options

if TYPE_CHECKING:
    from tfxai.serving.limits import ServerLimits
    from tfxai.serving.models.model import Models
    from tfxai.serving.sampling import Sample

_MB = 2**20


def serve(  # noqa: PLR0913 - an option for each limit
    upstream: options.Upstream = None,
    model_base_path: options.Base = None,
    model: options.Files = [],  # noqa: B006 - typer copies it
    method: options.Methods = [],  # noqa: B006 - typer copies it
    option: options.MethodOptions = [],  # noqa: B006 - typer copies it
    preprocessing: arguments.ExportedPreprocessing = None,
    classes: arguments.Classes = None,
    model_name: options.Names = [],  # noqa: B006 - typer copies it
    host: options.Host = "127.0.0.1",
    port: options.Port = 8502,
    grpc_port: options.GrpcPort = None,
    keep: options.Keep = 1,
    label: options.Labels = [],  # noqa: B006 - typer copies it
    poll: options.Poll = 1.0,
    timeout: options.Timeout = 60.0,
    max_body: options.MaxBody = 16.0,
    max_instances: options.MaxInstances = 64,
    max_steps: options.MaxSteps = 10_000,
    max_pixels: options.MaxPixels = 2**25,
    max_answer: options.MaxAnswer = 64.0,
    concurrency: options.Concurrency = None,
    queue: options.Queue = 64,
    max_connections: options.MaxConnections = 512,
    drain: options.Drain = 1.0,
    token_file: options.TokenFile = None,
    sample: options.Share = None,
    sample_to: options.SampleTo = None,
    sample_inputs: options.SampleInputs = False,
    trust: options.Trust = False,
    log_level: options.LogLevel = "info",
) -> None:
    """Answer :explain, :predict and a page in the browser over HTTP."""
    from tfxai.cli.runtime import start
    from tfxai.cli.serve_models import exported, read_models
    from tfxai.errors import InvalidInputError, MissingExtraError, OutputError

    versions = bool(label or keep != 1 or poll != 1.0)
    how = bool(method or option or preprocessing or classes)
    _check_sources(upstream, model_base_path, model, versions=versions, how=how, trust=trust)
    if model_name and upstream is None:
        raise InvalidInputError(
            "--model-name is for --upstream. Leave it out: every model of this server is served."
        )
    if log_level not in options.LEVELS:
        raise InvalidInputError(
            f"--log-level was expected to be one of {', '.join(options.LEVELS)}."
        )
    token = _token(token_file)
    try:
        from tfxai.serving.transport.listening import allow, listen
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
        # a port that is taken is told before anything starts
        listen(*grpc_at, option="--grpc-port").close()
    with contextlib.ExitStack() as stack:
        if upstream is not None:
            models = _upstream(upstream, model_name, limits)
        else:
            start()
            base = model_base_path
            if base is None:
                known = {"preprocessing": preprocessing, "classes": classes}
                base = stack.enter_context(exported(files, method, option, known, trust=trust))
            models = _folder(base, label, keep, poll, trust)
        listening = listen(host, port)
        log_to_stderr(log_level)
        allow(max_connections * (1 if grpc_port is None else 2))
        what = upstream or ", ".join(files) or str(model_base_path)
        serving = runner(Server(models, limits, token, grpc_at, kept), drain=drain)
        _announce(what, listening.getsockname(), grpc_port)
        if token is None:
            _warn_of_others(host)
        stack.enter_context(settled())
        serving.run(sockets=[listening])
        if not serving.started:
            raise OutputError("The server could not start. Its log says why.")


def _announce(what: str, where: tuple[str, int], grpc_port: int | None) -> None:
    """Says what is served, and where."""
    from tfxai.cli.terminal import say, shown

    host = f"[{where[0]}]" if ":" in where[0] else where[0]
    say(f"Serving {shown(what)} at http://{host}:{where[1]}/")
    if grpc_port is not None:
        say(f"gRPC at {host}:{grpc_port}")


def _warn_of_others(host: str) -> None:
    """Says who may ask, where that is not this machine alone."""
    import ipaddress
    import logging

    try:
        is_alone = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_alone = host == "localhost"
    if not is_alone:
        logging.getLogger("tfxai.serving").warning(
            "listening at %s without a token: whoever reaches it may ask. Pass --token-file or "
            "set %s.",
            host,
            options.TOKEN,
        )


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
            "--method, --option, --preprocessing and --classes are for --model. Leave them out: "
            "an export says these itself."
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
        said = os.environ.get(options.TOKEN)
        if said is not None and not said.strip():
            raise InvalidInputError(
                f"{options.TOKEN} is empty, and everybody could ask. Put a token into it, or "
                "unset it."
            )
        return said and said.strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise DataNotFoundError(
            f"The token cannot be read from {str(file)!r}. Pass a text file that holds it."
        ) from error
    if not token:
        raise InvalidInputError(f"{str(file)!r} holds no token. Write one into it.")
    return token
