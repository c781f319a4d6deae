import pytest

from tests.cli.pictures import picture
from tfxai.cli.demo import PHOTOGRAPHS
from tfxai.registry import folders


def test_the_photographs_are_as_described():
    for photograph in PHOTOGRAPHS:
        assert photograph.read().shape == (*photograph.size, 3)


def test_without_its_model_it_says_so(fails, models, monkeypatch):
    monkeypatch.setattr(folders, "roots", lambda: [models])
    assert "no model 'cifar10_cnn'" in fails("demo")


def test_a_folder_that_cannot_be_written_is_met_first(fails):
    picture()
    assert fails("demo", "--out", "photo.png").startswith("Cannot write to 'photo.png'")


@pytest.mark.slow
def test_the_demo_ends_with_the_table_and_the_paths_of_the_figures(
    run, models, place, monkeypatch
):
    folder = place / "trained"
    folder.mkdir()
    for suffix in ("keras", "json"):
        (folder / f"cifar10_cnn.{suffix}").write_bytes((models / f"tiny.{suffix}").read_bytes())
    monkeypatch.setenv("TFXAI_MODELS", str(folder))
    done = run("demo", "--out", "figures")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    figures = [line.split()[-1] for line in lines[-len(PHOTOGRAPHS) :]]
    assert lines[-len(PHOTOGRAPHS)].split() == ["a", "cat", "figures/chelsea.explained.png"]
    assert all((place / figure).is_file() for figure in figures)
    assert any(line.startswith("a cat ") and "%" in line for line in lines)
    assert max(map(len, lines)) <= 80
