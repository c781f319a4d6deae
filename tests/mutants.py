"""Changes a module in small ways, and lists the changes that its tests do not notice.

`make mutants MODULE=tfxai/core/sampling/quadrature.py TESTS=tests/core/sampling SAMPLE=60`. A
mutant takes as long as the tests, at least the seconds in which TensorFlow is imported; SAMPLE
draws that many of them, the same ones each time. Runs in an environment with cosmic-ray, on a copy
of the working tree.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkerOutcome, WorkResult

ROOT = Path(__file__).parents[1]
SECONDS = 300.0  # after which a mutant counts as noticed: its tests do not end
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "out", "build", "*.egg-info")


def sampled(database: Path, count: int) -> None:
    """Leaves out all but `count` of the mutants."""
    with use_db(database, WorkDB.Mode.open) as work:
        jobs = sorted(item.job_id for item in work.work_items)
        places = {item.job_id: str(item.mutations) for item in work.work_items}
        jobs.sort(key=places.__getitem__)  # job ids are drawn anew each time
        kept = set(random.Random(0).sample(jobs, min(count, len(jobs))))
        for job in jobs:
            if job not in kept:
                work.set_result(job, WorkResult(WorkerOutcome.SKIPPED, "not in the sample"))


def main() -> int:
    """Runs the mutants of one module and prints those that live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int, default=0, help="mutants to run, 0 for all")
    parser.add_argument("--python", required=True, help="that has the packages of the tests")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        pytest = f"{given.python} -m pytest -x -q -p no:cacheprovider {' '.join(given.tests)}"
        config, database = Path(folder) / "mutants.toml", Path(folder) / "mutants.sqlite"
        config.write_text(
            f'[cosmic-ray]\nmodule-path = "{given.module}"\ntimeout = {SECONDS}\n'
            f'excluded-modules = []\ntest-command = "{pytest}"\n'
            '[cosmic-ray.distributor]\nname = "local"\n'
        )

        def run(*words: str) -> None:
            command = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
            subprocess.run(command, cwd=tree, check=True)

        run("cosmic-ray", "baseline", str(config))  # the tests pass as they are
        run("cosmic-ray", "init", str(config), str(database))
        if given.sample:
            sampled(database, given.sample)
        run("cosmic-ray", "exec", str(config), str(database))
        run("cr-report", str(database), "--show-diff", "--surviving-only")
    return 0


if __name__ == "__main__":
    sys.exit(main())
