"""Whether every extra can be installed, alone and all together, on each Python that is here.

Nothing is installed: pip resolves, which needs the package index. `make extras` runs this.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
NOT_TOGETHER = ("peers",)
"""Extras for older libraries, which `all` leaves out and newer Pythons have not."""


def main() -> None:
    """Prints a line for each Python and extra; exit code 1 where one does not resolve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", help="some extras; all if left out")
    wanted = parser.parse_args().extras or ["", *extras()]
    failed = False
    for version in PYTHONS:
        python = f"python{version}"
        if subprocess.run([python, "--version"], check=False, capture_output=True).returncode:
            sys.stdout.write(f"{version}  is not here\n")
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([python, "-m", "venv", folder], check=True)
            for extra in wanted:
                problem = resolved(Path(folder, "bin", "python"), extra)
                failed |= bool(problem)
                line = f"{version}  {extra or '(none)':12}  {problem or 'resolves'}"
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
    sys.exit(failed)


def extras() -> list[str]:
    """The extras of the project that users install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [one for one in project["optional-dependencies"] if one not in NOT_TOGETHER]


def resolved(python: Path, extra: str) -> str:
    """Why the extra cannot be installed; empty where it can."""
    what = f"{ROOT}[{extra}]" if extra else str(ROOT)
    command = [str(python), "-m", "pip", "install", "--dry-run", "--quiet", what]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (errors or done.stderr.splitlines() or ["pip failed"])[0]


if __name__ == "__main__":
    main()
