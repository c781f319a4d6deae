import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError, LayerNotFoundError


def of(model, x=None):
    return model_structure(model, read_inputs(model, builders.images(2) if x is None else x)[0])


def test_calls_have_paths_shapes_and_types():
    body = of(builders.nested())
    found = {call.path: (call.shape, call.dtype) for call in body.calls}
    assert found == {
        "backbone/conv1": ((6, 5, 4), "float32"),
        "backbone/conv2": ((5, 4, 3), "float32"),
        "backbone/flat": ((60,), "float32"),
        "backbone": ((60,), "float32"),
        "head": ((3,), "float32"),
    }
    assert body.outputs == ((3,),)
    assert body.bytes_per_example == 4 * (120 + 60 + 60 + 60 + 3)


@pytest.mark.parametrize("kind", builders.KINDS)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
def test_final_activation_is_seen_however_it_is_written(kind, activation):
    assert of(builders.KINDS[kind](activation)).activation == activation


def test_activation_is_none_for_several_outputs():
    x = keras.Input((3, 4))
    two = keras.Model(x, [layers.Softmax()(x), layers.Softmax()(x)])
    assert of(two, np.ones((1, 3, 4))).activation is None
    assert of(two, np.ones((1, 3, 4))).outputs == ((3, 4), (3, 4))
    other = keras.Model(x, layers.Softmax(axis=1)(x))
    assert of(other, np.ones((1, 3, 4))).activation == "softmax"
    mixed = keras.Model(x, layers.Softmax(dtype="mixed_float16")(x))
    assert of(mixed, np.ones((1, 3, 4))).activation == "softmax"


def test_one_trace_serves_all_batches_and_each_image_size_has_its_own():
    x = keras.Input((None, None, 1))
    model = keras.Model(x, layers.Conv2D(1, 2, name="conv")(x))
    small, again = (of(model, np.ones((count, 4, 5, 1))) for count in (1, 7))
    assert small is again
    assert small.find("conv").shape == (3, 4, 1)
    assert of(model, np.ones((1, 9, 5, 1))).find("conv").shape == (8, 4, 1)


def test_layers_are_found_by_path():
    body = of(builders.doubly_nested())
    assert body.find("outer/backbone/conv2").shape == (5, 4, 3)
    for path in ("conv2", "backbone/conv2"):
        with pytest.raises(LayerNotFoundError, match=r"Did you mean 'outer/backbone/conv2'\?"):
            body.find(path)
    with pytest.raises(LayerNotFoundError, match=r"layer 'outer/backbone/conv3'. Did you mean"):
        body.find("outer/backbone/conv3")
    with pytest.raises(LayerNotFoundError, match=r"no layer 'x'. Known: outer/backbone/conv1, "):
        body.find("x")


def test_calls_of_a_shared_layer_are_numbered():
    body = of(builders.shared())
    assert [body.find(f"conv#{i}").index for i in range(2)] == [0, 1]
    assert of(builders.functional()).find("flat#0").path == "flat"
    with pytest.raises(InvalidInputError, match=r"called 2 times. Choose one call: 'conv#0' or "):
        body.find("conv")
    for number in ("2", "-1", "x", "1.0"):
        with pytest.raises(LayerNotFoundError, match=f"no call '{number}' of layer 'conv'"):
            body.find(f"conv#{number}")


def test_layer_shared_by_two_nested_models_is_found_in_each():
    shared = layers.Conv2D(2, 2, name="conv")
    parts = []
    for name in ("left", "right"):
        x = keras.Input(builders.IMAGE)
        parts.append(keras.Model(x, shared(x), name=name))
    x = keras.Input(builders.IMAGE)
    model = keras.Model(x, layers.Subtract()([part(x) for part in parts]))
    body = of(model)
    assert [body.find(f"{name}/conv").index for name in ("left", "right")] == [0, 1]
