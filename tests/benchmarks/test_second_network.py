"""The checkpoint of the second network is read without PyTorch, and nothing else is."""

from __future__ import annotations

import io
import os
import pickle
import sys
import types

import numpy as np
import pytest

from benchmarks import second_network
from benchmarks.second_network import read_checkpoint


class Storage:
    """Stands for the numbers of tensors."""

    def __init__(self, key, values):
        self.key, self.values = key, np.asarray(values, np.float32)


class Tensor:
    """Is pickled as PyTorch pickles one."""

    def __init__(self, storage, offset, shape, strides):
        self.given = (storage, offset, shape, strides, False, {})

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.given


@pytest.fixture
def checkpoint(monkeypatch):
    """Writes named things as a checkpoint."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*given):
        raise AssertionError(given)

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Writer(pickle.Pickler):
        def persistent_id(self, one):
            if isinstance(one, Storage):
                return "storage", torch.FloatStorage, one.key, "cpu", len(one.values), None
            return None

    def write(names, storages):
        file = io.BytesIO()
        for one in (1, 2, {}, names, [one.key for one in storages]):
            Writer(file, protocol=2).dump(one)
        for one in storages:
            file.write(len(one.values).to_bytes(8, "little") + one.values.tobytes())
        file.seek(0)
        return file

    return write


def test_tensors_are_read_by_their_strides(checkpoint):
    first, second = Storage("7", range(7)), Storage("8", [9, 8])
    names = {
        "rows": Tensor(first, 1, (2, 3), (3, 1)),
        "columns": Tensor(first, 1, (2, 3), (1, 2)),
        "other": Tensor(second, 0, (2,), (1,)),
    }
    found = read_checkpoint(checkpoint(names, [first, second]))
    np.testing.assert_array_equal(found["rows"], [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found["columns"], [[1, 3, 5], [2, 4, 6]])
    np.testing.assert_array_equal(found["other"], [9, 8])


@pytest.mark.parametrize("place", [(5, (2, 3), (3, 1)), (0, (2,), (7,)), (-1, (2,), (1,))])
def test_a_tensor_outside_of_its_numbers_is_refused(checkpoint, place):
    storage = Storage("7", range(7))
    with pytest.raises(pickle.UnpicklingError, match="outside of its numbers"):
        read_checkpoint(checkpoint({"a": Tensor(storage, *place)}, [storage]))


def test_a_checkpoint_that_asks_for_anything_else_is_refused(checkpoint):
    with pytest.raises(pickle.UnpicklingError, match=r"asks for (posix|nt)\.getcwd"):
        read_checkpoint(checkpoint({"a": os.getcwd}, []))


def test_the_network_has_the_parameters_of_its_paper():
    model = second_network._network()
    assert sum(int(np.prod(one.shape)) for one in model.trainable_weights) == 6_092_072
    assert model.output_shape == (None, 1000)


def test_another_file_is_not_read(tmp_path):
    with pytest.raises(SystemExit, match="Run `make features`"):
        second_network.second_network(tmp_path)
    path = tmp_path / second_network._FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="not the file that is known"):
        second_network.second_network(tmp_path)
