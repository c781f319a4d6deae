"""What `tfxai.data` and `tfxai.models` offer, and what it costs to import them."""

import importlib
import subprocess
import sys

import pytest

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
    imports = "".join(f"import tfxai.{name}\n" for name in LIGHT)
    heavy = ("tensorflow", "keras", "tensorflow_datasets", "skimage", "matplotlib")
    code = f"{imports}import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
