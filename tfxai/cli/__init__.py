"""The command `tfxai`. Help is answered without loading TensorFlow."""

from __future__ import annotations


def main() -> None:
    """Runs the command line in `sys.argv` and ends the process with its exit code."""
    try:
        from tfxai.cli.app import app
    except KeyboardInterrupt:  # pressed before anything was there to catch it
        raise SystemExit(130) from None
    app()
