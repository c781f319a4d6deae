"""How a command ends: exit codes, signals, closed pipes, and what it has loaded by then."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.pictures import picture
from tests.processes import ROOT, loaded
from tfxai.cli import runtime
from tfxai.cli.app import app

COMMANDS = [one.callback.__name__.replace("_", "-") for one in app.registered_commands]
NO_READER = """
import os, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
from tfxai.cli import main
main()
"""
INTERRUPTED = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the suite runs behind &
from tfxai import registry
registry.find = lambda name: os.kill(os.getpid(), signal.SIGINT) or name
from tfxai.cli import main
main()
"""


KILLED = """
import os, pathlib, signal, sys

def killed(path, content, **options):
    half = content[: len(content) // 2]
    with path.open("wb" if isinstance(half, bytes) else "w") as file:
        file.write(half)
    os.kill(os.getpid(), signal.SIGKILL)

pathlib.Path.write_bytes = pathlib.Path.write_text = killed

import numpy
def killed_arrays(file, **arrays):
    file.write(b"PK half of an archive")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

numpy.savez_compressed = killed_arrays
from tfxai.cli import main
main()
"""


def process(*words, code="from tfxai.cli import main; main()", **environment):
    """Runs a command line in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL",)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
    )


def test_a_command_without_words_shows_the_help(run):
    done = run()
    assert done.exit_code == 2
    assert all(f" {name} " in done.stdout for name in COMMANDS)


def test_the_version_is_printed(run):
    assert run("--version").stdout == f"tfxai {version('tfxai')}\n"


def test_it_runs_as_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "tfxai", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == f"tfxai {version('tfxai')}\n"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(run, command):
    code = "from tfxai.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n"
    code += "    assert end.code == 0"
    words = (*command.split(), "--help")
    assert loaded(code, "numpy", "PIL", words=words) == []
    assert "Usage: tfxai" in run(*words).stdout


def test_a_reader_that_goes_away_from_the_help_is_no_error():
    assert process("--help", code=NO_READER).stderr == ""
    assert process("--version", code=NO_READER).stderr == ""


@pytest.mark.slow
def test_a_reader_that_goes_away_from_results_is_no_error(models):
    done = process("methods", code=NO_READER)
    assert (done.returncode, done.stderr) == (141, "")


def test_an_interrupt_ends_without_a_traceback(models):
    picture()
    done = process("predict", "tiny", "photo.png", code=INTERRUPTED)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("compare", "--save", "out/maps.png"), "maps.png"),
        (("explain", "--format", "npz", "--out", "out"), "photo.saliency.npz"),
    ],
)
def test_a_kill_in_the_middle_of_a_file_leaves_the_earlier_one(models, place, words, name):
    picture()
    (place / "out").mkdir()
    (place / "out" / name).write_text("from an earlier run")
    command, *rest = words
    done = process(command, "tiny", "photo.png", "-m", "saliency", *rest, code=KILLED)
    assert done.returncode == -9, done.stderr
    (half,) = {path.name for path in (place / "out").iterdir()} - {name}
    assert half.startswith(".")  # what was being written, hidden and under a name of its own
    assert (place / "out" / half).stat().st_size > 0
    assert (place / "out" / name).read_text() == "from an earlier run"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_output_that_takes_nothing_is_said():
    code = "import sys; sys.stdout = open('/dev/full', 'w')\nfrom tfxai.cli import main; main()"
    done = process("--version", code=code)
    assert done.returncode == 2
    assert done.stderr == "Error: The system refused: No space left on device.\n"


@pytest.mark.parametrize("backend", ["jax", "numpy", "torch"])
def test_another_backend_of_keras_is_refused_before_it_is_loaded(models, backend):
    picture()
    done = process("predict", "tiny", "photo.png", KERAS_BACKEND=backend)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: Keras is set to run on the {backend!r} backend, and tfxai needs 'tensorflow'. "
        "Set the environment variable KERAS_BACKEND=tensorflow.\n"
    )


def test_the_backend_is_read_where_keras_reads_it(monkeypatch, place):
    monkeypatch.setenv("KERAS_HOME", str(place))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert runtime.planned_backend() == "tensorflow"
    (place / "keras.json").write_text('{"backend": "jax"}')
    assert runtime.planned_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert runtime.planned_backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "")
    (place / "keras.json").write_text("{")
    assert runtime.planned_backend() == "tensorflow"


@pytest.mark.slow
def test_a_fresh_process_prints_nothing_of_tensorflow(models, place):
    name = os.fsdecode(b"caf\xc3\xa9-\xff.png")
    picture(name)
    done = process("predict", "tiny", name, PYTHONIOENCODING="ascii", HOME=str(place))
    silent = process("predict", "tiny", name, HOME=str(place), TF_CPP_MIN_LOG_LEVEL="3")
    assert (silent.returncode, silent.stderr) == (0, "")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("caf?-?.png\n")  # what the terminal cannot show is replaced
    assert "#" in done.stdout  # bars too
