"""The command `tfxai`. Help is answered without loading TensorFlow."""

from __future__ import annotations


def main() -> None:
    """Runs the command line in `sys.argv` and ends the process with its exit code."""
    try:
        from tfxai.cli.app import app

        app()
    except (KeyboardInterrupt, RuntimeError) as error:  # pressed while modules were loading,
        causes = (error, error.__cause__)  # where Python may wrap it
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            raise SystemExit(130) from None
        raise
