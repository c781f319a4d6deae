"""How every command ends: exit codes, and one sentence instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from tfxai.cli.terminal import report
from tfxai.errors import TfxaiError

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE = 141  # 128 + SIGPIPE
_RESULTS = ("--out", "--output", "--save")  # where the result of a command goes


class Commands(TyperGroup):
    """All commands; their errors become one sentence on the standard error stream."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs one command line; ends the process with its exit code in standalone mode."""

        def run() -> Any:
            return super(Commands, self).main(
                args, prog_name or "tfxai", complete_var, False, windows_expand_args, **extra
            )

        if not standalone_mode:
            return run()
        sys.exit(_exit_code(run))

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; a closed pipe is handled here, before typer sees it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _drop_output()
            raise typer.Exit(BROKEN_PIPE) from None


def _exit_code(run: Callable[[], Any]) -> int:
    """Runs a command line; what goes wrong becomes a sentence and a number."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names that the terminal cannot show
            stream.reconfigure(errors="replace")
    try:
        code = run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except TfxaiError as error:
        report(str(error))
        return BAD_INPUT
    except typer.TyperException as error:  # a mistake in the words of the command line
        return _usage(error)
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:
        _drop_output()
        where = f" ({error.filename})" if error.filename else ""
        report(f"The system refused: {error.strerror or error}{where}.")
        return BAD_INPUT
    if code == INTERRUPTED:
        report("Stopped.", label="")
    return code if isinstance(code, int) else 0


def _usage(error: Any) -> int:
    """Says what is wrong with the command line; an empty one has printed the help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return BAD_INPUT
    message = " ".join(error.format_message().split()).rstrip(".")
    came = _what_came(error)
    path = context.command_path if context is not None else "tfxai"
    message += _another_word(error) if not message.endswith("?") else ""
    end = "" if message.endswith("?") else "."
    report(f"{message}{came}{end} Try: {path} --help")
    return BAD_INPUT


def _another_word(error: Any) -> str:
    """How this command calls where its result goes, where another one's word for it came."""
    if getattr(error, "option_name", None) not in _RESULTS:
        return ""
    known = [name for one in error.ctx.command.params for name in one.opts if name in _RESULTS]
    return f". Did you mean {' or '.join(known)}?" if known else ""


def _what_came(error: BaseException) -> str:
    """The value that did not fit its type, which typer's own sentence leaves out."""
    errors = getattr(error.__cause__, "errors", None)  # pydantic's
    first = errors()[0] if callable(errors) else {}
    return f", not {first['input']!r}" if "input" in first else ""


def _drop_output() -> None:
    """Gives Python's flush at exit an open file instead of the broken pipe."""
    try:
        number = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
