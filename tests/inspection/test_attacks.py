"""Every kind of attack is refused for its reason, and looking at it does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import tfxai
from tests.inspection.attacks import Attack, attacks
from tests.inspection.honest import save, victim
from tests.processes import ROOT
from tfxai.errors import ModelFileError
from tfxai.inspection import scan

ATTACKS = attacks()


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> dict[str, Path]:
    """The honest model by ending, from which attacks are made."""
    folder = tmp_path_factory.mktemp("honest")
    keras.utils.set_random_seed(1)
    model = victim()
    whole = {ending: save(model, folder / f"victim{ending}") for ending in (".keras", ".h5")}
    return {**whole, "": whole[".keras"]}


@pytest.fixture(scope="module")
def corpus(honest, tmp_path_factory) -> Path:
    """A folder with every attack in it."""
    folder = tmp_path_factory.mktemp("hostile")
    for attack in ATTACKS:
        attack.build(honest[attack.suffix], folder / f"{attack.name}{attack.suffix}")
    return folder


def test_there_are_many_of_each_kind():
    by_ending = [attack.suffix for attack in ATTACKS]
    assert by_ending.count(".keras") >= 40
    assert by_ending.count(".h5") >= 40


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_model_that_attacks_start_from_is_let_through(honest, suffix):
    assert scan(honest[suffix]).level == "ok", scan(honest[suffix]).findings


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name + attack.suffix)
def test_an_attack_is_found_and_named(corpus, attack: Attack):
    report = scan(corpus / f"{attack.name}{attack.suffix}")
    assert report.level == attack.level, report.findings
    found = [(one.what, one.cve) for one in report.at(attack.level)]
    assert (attack.what, attack.cve) in found


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name + attack.suffix)
def test_an_attack_is_not_loaded(corpus, attack: Attack, monkeypatch):
    def fail(*_, **__):
        pytest.fail("Keras or TensorFlow got to see it")

    path = corpus / f"{attack.name}{attack.suffix}"
    if attack.level != "refuse":
        return
    monkeypatch.setattr(keras.saving, "load_model", fail)
    monkeypatch.setattr(tf.saved_model, "load", fail)
    with pytest.raises(ModelFileError):
        tfxai.load(path)


WATCHED = """
import json, resource, sys, tracemalloc
from pathlib import Path
from tfxai.inspection import scan
paths = sorted(Path(sys.argv[1]).iterdir())
scan(paths[0])  # what is imported lazily
events, own = [], sys.argv[1]
def hook(event, arguments):
    if event == "open" and not str(arguments[0]).startswith(own):
        events.append(f"open {arguments[0]}")
    elif event in ("exec", "compile", "import", "os.system", "subprocess.Popen", "os.exec"):
        events.append(f"{event} {arguments[0]}")
    elif event.startswith(("socket.", "pickle.", "os.rename", "os.remove", "shutil.")):
        events.append(event)
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (400 << 20), resource.RLIM_INFINITY))
sys.addaudithook(hook)
tracemalloc.start()
levels = {path.name: scan(path).level for path in paths}
peak = tracemalloc.get_traced_memory()[1]
heavy = [n for n in ("tensorflow", "keras", "numpy", "h5py") if n in sys.modules]
print(json.dumps([levels, peak, heavy, events]))
"""


def test_looking_executes_nothing_reads_nothing_outside_and_takes_little_memory(corpus):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(corpus)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    levels, peak, heavy, events = json.loads(done.stdout)
    assert len(levels) == len(ATTACKS)
    assert "ok" not in levels.values()
    assert heavy == []
    assert [event for event in events if not event.startswith("open /tmp/")] == []
    assert peak < 200 << 20
