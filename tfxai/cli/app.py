"""The commands, put together."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

import tfxai
from tfxai.cli.accuracy import accuracy
from tfxai.cli.attention import attention
from tfxai.cli.audit import audit
from tfxai.cli.batch import batch
from tfxai.cli.check_serving import check_serving
from tfxai.cli.compare import compare
from tfxai.cli.concepts import concepts
from tfxai.cli.crosscheck import crosscheck
from tfxai.cli.debug import debug
from tfxai.cli.demo import demo
from tfxai.cli.dream import dream
from tfxai.cli.drift import drift
from tfxai.cli.evaluate import evaluate
from tfxai.cli.explain import explain
from tfxai.cli.export import export
from tfxai.cli.group import Commands
from tfxai.cli.inspect import inspect
from tfxai.cli.methods import methods
from tfxai.cli.models import models
from tfxai.cli.predict import predict
from tfxai.cli.report import report
from tfxai.cli.sanity import sanity
from tfxai.cli.serve import serve
from tfxai.cli.tcav import tcav
from tfxai.cli.terminal import remark
from tfxai.cli.top_images import top_images
from tfxai.cli.train import train
from tfxai.cli.train_texts import train_texts
from tfxai.cli.visualise import visualise
from tfxai.errors import TfxaiWarning

HELP = (
    "Explains on what the answers of models built with Keras 3 and TensorFlow rest.\n\n"
    "MODEL is a path that ends in .keras or .h5, the folder of a SavedModel or of a KerasHub "
    "preset, or the name of a model in the folder that the environment variable TFXAI_MODELS "
    "names (./models where it is not set) or among those that come with tfxai. IMAGE is a file, "
    "a folder of images or of class folders, cifar10:test:5113 or cifar10:test:random."
)

app = typer.Typer(
    name="tfxai",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    demo, predict, explain, batch, drift, compare, evaluate, sanity, debug, audit, report, inspect,
    accuracy, methods, train, train_texts, attention, export, check_serving, serve, crosscheck,
    visualise, dream, top_images, tcav, concepts,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.add_typer(models)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tfxai {tfxai.__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def _start(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    limit: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=VALUE",
            help="Read more or less of a model's file, or let it ask for more or less, than the "
            "defaults (docs/safety.md), as in weights_bytes=8GiB. Repeat it for several.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer copies it
) -> None:
    if limit:
        from tfxai.inspection.limits import read_limit

        tfxai.config.model_limits = dict(map(read_limit, limit))
    if not sys.warnoptions:  # other packages' warnings are of no use to a reader here
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", TfxaiWarning)
        warnings.showwarning = _remarked_once()


def _remarked_once() -> Callable[..., None]:
    """Prints what tfxai warns of as a remark, each sentence once."""
    said = set[str]()

    def show(
        message: Warning | str, category: type[Warning], *where: object, **to: object
    ) -> None:
        sentence = str(message)
        if sentence not in said:
            said.add(sentence)
            remark(sentence)

    return show
