"""What a piece of code loads, found in a process of its own: this one has loaded everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "matplotlib", "skimage", "sklearn")


def loaded(code: str, *more: str, words: tuple[str, ...] = ()) -> list[str]:
    """Those of the `HEAVY` modules and of `more` that the code loads, run with those arguments."""
    ask = f"import sys\nprint(*[name for name in {HEAVY + more} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ask}", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()
