import json

import pytest

from tests.cli.pictures import picture
from tests.crosscheck import fakes


@pytest.fixture
def peers(monkeypatch):
    return fakes.install(monkeypatch)


def test_without_a_peer_it_says_how_to_get_one(fails, monkeypatch):
    fakes.remove(monkeypatch, "alibi")
    assert fails("crosscheck", "tiny") == (
        "alibi is not installed, and this needs it. Run: make crosscheck, or install it with: "
        "pip install 'tfxai[peers]'"
    )


@pytest.mark.slow
def test_table_says_what_agrees_and_what_departs(run, peers):
    done = run("crosscheck", "tiny", "--rounds", 2)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    row = next(line for line in lines if line.startswith("IG gausslegendre"))
    assert row.split()[-1] == "agrees"
    row = next(line for line in lines if line.startswith("IG riemann_trapezoid"))
    assert "as known (1)" in row
    assert any(line.startswith("(1) The weights of its trapezoid rule") for line in lines)
    assert lines[-2].startswith("Everything agrees") or lines[-1].startswith("Everything agrees")
    assert max(map(len, lines)) <= 80


@pytest.mark.slow
def test_value_that_differs_ends_it_with_code_1(run, peers, monkeypatch):
    class Wrong(fakes.AlibiIntegratedGradients):
        def explain(self, x, baselines, target):
            found = super().explain(x, baselines, target)
            found.attributions[0][0, 0, 0, 0] += 1
            return found

    monkeypatch.setattr(peers[0], "IntegratedGradients", Wrong)
    done = run("crosscheck", "tiny", "--rounds", 0)
    assert done.exit_code == 1
    assert "DIFFERS" in done.stdout
    assert "Look at: alibi's IG gausslegendre" in done.stdout


@pytest.mark.slow
def test_json_has_every_number(run, peers):
    picture()
    done = run("crosscheck", "tiny", "photo.png", "--rounds", 2, "--json")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["model"], record["image"], record["layer"]) == ("tiny", "photo.png", "MaxPool")
    first = record["results"][0]
    assert (first["peer"], first["verdict"]) == ("alibi", "agrees")
    assert first["difference"] <= record["tolerance"] * first["largest"]
    assert first["time_ratio"]["median"] > 0


def test_folder_of_images_is_refused(fails, peers):
    picture("a.png")
    picture("b.png")
    assert "holds 2 images, and one is compared" in fails("crosscheck", "tiny", ".")
