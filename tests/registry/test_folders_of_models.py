from pathlib import Path

import pytest

from tests.processes import loaded
from tfxai.errors import DataNotFoundError, ModelFileError, UnknownNameError
from tfxai.registry import find, folders, names, roots


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models that `TFXAI_MODELS` names, and a package that has none."""
    folder = tmp_path / "chosen"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFXAI_MODELS", str(folder))
    monkeypatch.setattr(folders, "_PACKAGE", tmp_path / "site" / "tfxai")
    for name in ("frog.keras", "frog.h5", "toad.h5", "toad.json", "newt.part.keras", ".x.keras"):
        (folder / name).touch()
    return folder


def test_a_name_leads_to_its_keras_file_before_its_h5_file(models):
    assert find("frog") == models / "frog.keras"
    assert find("toad") == models / "toad.h5"


def test_names_are_sorted_and_leave_out_what_is_half_written(models):
    assert names() == ["frog", "toad"]


def test_an_unknown_name_brings_the_nearest(models):
    with pytest.raises(UnknownNameError, match=r"no model 'frogg'\. Did you mean 'frog'\?"):
        find("frogg")


@pytest.mark.parametrize("text", ["./frog", "../chosen/frog", "..", "chosen/frog", ""])
def test_what_has_a_separator_is_never_a_name(models, monkeypatch, text):
    monkeypatch.chdir(models)
    with pytest.raises((DataNotFoundError, ModelFileError)):
        find(text)


def test_a_name_of_a_file_that_lies_here_brings_its_path(models, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lies_only_here.h5").touch()
    with pytest.raises(UnknownNameError, match=r"pass its path: 'lies_only_here\.h5'"):
        find("lies_only_here")


def test_a_path_leads_to_itself(models):
    assert find("chosen/toad.h5") == Path("chosen/toad.h5")
    assert find(models / "frog.keras") == models / "frog.keras"


def test_a_missing_file_brings_the_name_that_it_may_mean(models):
    with pytest.raises(DataNotFoundError, match=r"no model file 'frog\.keras'.* name 'frog'"):
        find("frog.keras")


@pytest.mark.parametrize(
    ("path", "what"), [("chosen", "a folder"), ("chosen/toad.json", "no file that ends in")]
)
def test_what_is_no_model_file_is_said(models, path, what):
    with pytest.raises(ModelFileError, match=what):
        find(path)


def test_the_working_folder_comes_before_the_package(models, monkeypatch, tmp_path):
    monkeypatch.delenv("TFXAI_MODELS")
    for folder in ("models", "site/models"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "frog.keras").touch()
    (tmp_path / "site/models/own.keras").touch()
    assert find("frog") == Path("models/frog.keras")
    assert find("own") == tmp_path / "site/models/own.keras"
    assert names() == ["frog", "own"]


def test_an_installed_package_has_its_models_inside(models, monkeypatch, tmp_path):
    monkeypatch.delenv("TFXAI_MODELS")
    inside = tmp_path / "site/tfxai/pretrained"
    inside.mkdir(parents=True)
    (tmp_path / "site/models").mkdir()  # another package's, in the same site-packages
    assert roots() == [inside]


def test_a_folder_is_looked_through_once(models, monkeypatch, tmp_path):
    (tmp_path / "site/models").mkdir(parents=True)
    monkeypatch.setenv("TFXAI_MODELS", str(tmp_path / "site/../site/models"))
    assert len(roots()) == 1


def test_a_variable_that_names_no_folder_is_said(models, monkeypatch):
    monkeypatch.setenv("TFXAI_MODELS", "nowhere")
    with pytest.raises(
        DataNotFoundError, match="TFXAI_MODELS names 'nowhere', which is no folder"
    ):
        find("frog")
    assert find("chosen/frog.keras") == Path("chosen/frog.keras")


def test_looking_for_a_model_loads_no_tensorflow(models):
    assert loaded("from tfxai.registry import find, names\nfind('frog'), names()") == []
