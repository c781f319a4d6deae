"""What `tfxai.data` and `tfxai.models` offer, and what it costs to import them."""

import importlib

import pytest

from tests.processes import loaded

LIGHT = ("card", "data", "data.cifar10", "data.images", "data.samples", "models", "models.options")


@pytest.mark.parametrize("package", ["tfxai.data", "tfxai.models"])
def test_every_name_that_is_offered_is_there(package):
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_what_needs_no_tensorflow_does_not_load_it():
    assert loaded("".join(f"import tfxai.{name}\n" for name in LIGHT)) == []
