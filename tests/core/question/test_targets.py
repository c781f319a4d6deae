import numpy as np
import pytest
import tensorflow as tf

from tfxai.core.question.targets import PREDICTED, read_target, resolve, select
from tfxai.errors import InvalidInputError, UnknownNameError

CLASSES = ("Cat", "Dog", "Frog")
FORMS = {
    "none": (None, [PREDICTED] * 2),
    "an index": (2, [2, 2]),
    "a NumPy number": (np.int64(1), [1, 1]),
    "a name": ("Frog", [2, 2]),
    "a name in small letters": ("frog", [2, 2]),
    "a number as text": ("1", [1, 1]),
    "one each": ([0, 2], [0, 2]),
    "a NumPy array": (np.array([0, 2], np.uint8), [0, 2]),
    "a tensor": (tf.constant([1, 0]), [1, 0]),
    "names": (["Dog", "cat"], [1, 0]),
    "names and numbers": (("Dog", 2), [1, 2]),
    "a NumPy array of names": (np.array(["Dog", "Frog"]), [1, 2]),
    "an array of objects": (np.array(["Dog", 0], object), [1, 0]),
}


@pytest.mark.parametrize("form", FORMS)
def test_target_is_read_as_one_int32_an_example(form):
    given, expected = FORMS[form]
    array = read_target(given, 2, (3,), CLASSES)
    np.testing.assert_array_equal(array, expected)
    assert array.dtype == np.int32


def test_class_name_that_is_a_number_is_the_class():
    digits = ("7", "8", "9")
    np.testing.assert_array_equal(read_target("8", 1, (3,), digits), [1])
    np.testing.assert_array_equal(read_target("2", 1, (3,), digits), [2])  # names no class
    with pytest.raises(UnknownNameError, match="no class '²'"):
        read_target("²", 1, (3,), digits)  # a digit to Python, and no number


def test_outputs_with_several_axes_take_one_index_an_axis():
    axes = (4, None, 3)
    expected = [[1, 5, 2], [1, 5, 2]]
    np.testing.assert_array_equal(read_target((1, 5, 2), 2, axes, None), expected)
    np.testing.assert_array_equal(read_target(expected, 2, axes, None), expected)
    for bad in ((1, 5, 3), (4, 0, 0), [[1, 5, 2]], 1, (1, 2)):
        with pytest.raises(InvalidInputError, match=r"is outside|\(2, 3\) was expected"):
            read_target(bad, 2, axes, None)
    with pytest.raises(InvalidInputError, match=r"no one predicted class.*shape \(2, 3\)"):
        read_target(None, 2, axes, None)


@pytest.mark.parametrize("bad", [-1, 3, [0, -2], 2**40, [[1], [1]], [1], [1, 1, 1], 0.0, True, []])
def test_what_lies_outside_or_has_another_shape_is_refused(bad):
    with pytest.raises(InvalidInputError, match=r"is outside the model's 3|was expected|were exp"):
        read_target(bad, 2, (3,), CLASSES)


def test_predicted_class_is_put_in_the_place_of_its_mark_only():
    outputs = tf.constant([[0.1, 0.7, 0.2], [5.0, 4.0, 3.0], [0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(resolve(tf.constant([-1, 2, -1]), outputs), [1, 2, 2])


def test_select_takes_one_output_an_example():
    outputs = tf.reshape(tf.range(24.0), (2, 3, 4))
    np.testing.assert_array_equal(select(outputs[:, 0], tf.constant([3, 1])), [3, 13])
    np.testing.assert_array_equal(select(outputs, tf.constant([[2, 0], [1, 3]])), [8, 19])
