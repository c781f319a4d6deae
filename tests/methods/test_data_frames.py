"""DataFrames as inputs: names, types and categories are kept, texts and integers too."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import tfxai
from tests import builders
from tfxai.columns import Column
from tfxai.errors import InvalidInputError
from tfxai.methods import DeepSHAP, FeatureAblation, GradientInput, IntegratedGradients, KernelSHAP

FRAME = pd.DataFrame(
    {
        "age": [39, 61, 20],
        "hours": [40.0, 10.5, 0.0],
        "married": [True, False, True],
        "colour": pd.Categorical(["red", "blue", "red"], ["blue", "red", "green"], ordered=True),
        "income": [1, 0, 1],
    }
)
PER_COLOUR = {"blue": -1.0, "red": 2.0, "green": 5.0}


def one_input_a_column(*, is_by_text=True):
    """0.1 age + hours - 3 married + a number for the colour, from inputs of their own types."""
    age = keras.Input((1,), name="age", dtype="int64")
    hours = keras.Input((1,), name="hours")
    married = keras.Input((1,), name="married", dtype="bool")
    inputs = [age, hours, married]
    out = 0.1 * keras.ops.cast(age, "float32") + hours
    out = out - 3.0 * keras.ops.cast(married, "float32")
    if is_by_text:
        colour = keras.Input((1,), name="colour", dtype="string")
        lookup = layers.StringLookup(vocabulary=list(PER_COLOUR), output_mode="one_hot")
        weights = layers.Dense(1, use_bias=False)
        out = out + weights(lookup(colour))
        weights.set_weights([np.array([[0.0], *[[v] for v in PER_COLOUR.values()]])])
        inputs.append(colour)
    return keras.Model(inputs, out)


def test_a_table_as_one_array_keeps_names_and_types():
    model = builders.linear(np.array([[1.0], [2.0], [-3.0]]))
    a = GradientInput()(model, FRAME[["age", "hours", "married"]])
    np.testing.assert_allclose(a.values, [[39, 80, -3], [61, 21, 0], [20, 0, -3]], rtol=1e-6)
    assert a.feature_names == ["age", "hours", "married"]
    assert a.columns == (
        Column("age", "int64"), Column("hours", "float64"), Column("married", "bool")
    )  # fmt: skip
    given = a.to_pandas("inputs")
    pd.testing.assert_frame_equal(given, FRAME[["age", "hours", "married"]])
    np.testing.assert_array_equal(a.values, GradientInput()(model, given.to_numpy("f4")).values)


def test_texts_integers_and_truths_are_explained_without_gradients():
    a = FeatureAblation()(one_input_a_column(), FRAME)
    table = a.to_pandas()
    assert list(table.columns) == ["age", "hours", "married", "colour"]
    np.testing.assert_allclose(table["age"], 0.1 * FRAME["age"], rtol=1e-5)
    np.testing.assert_allclose(table["married"], [-3, 0, -3], rtol=1e-5)
    # an empty text, which is unknown and adds 0, is the baseline of a text
    np.testing.assert_allclose(table["colour"], [2, -1, 2], rtol=1e-5)
    pd.testing.assert_frame_equal(a.to_pandas("inputs"), FRAME.drop(columns="income"))
    assert a.held == ()


def test_gradients_hold_texts_and_integers_and_say_so():
    a = IntegratedGradients(steps=4)(one_input_a_column(), FRAME)
    assert list(a.to_pandas().columns) == ["hours"]
    np.testing.assert_allclose(a.to_pandas()["hours"], FRAME["hours"], rtol=1e-5)
    assert a.held == ("age", "married", "colour")
    assert any(
        "and 'colour' were held fast by integrated_gradients" in remark for remark in a.remarks
    )


def test_columns_of_a_dict_or_a_list_are_kept_too():
    frame = FRAME[["age", "hours", "married", "colour"]]
    whole = FeatureAblation()(one_input_a_column(), FRAME)
    for given in ({name: frame[name] for name in frame}, [frame[name] for name in frame]):
        a = FeatureAblation()(one_input_a_column(), given)
        assert a.columns == whole.columns
        pd.testing.assert_frame_equal(a.to_pandas(), whole.to_pandas())
    assert whole.columns["colour"] == (
        Column("colour", "category", ("blue", "red", "green"), True),
    )


def test_a_table_beside_another_input_has_its_names():
    table, other = keras.Input((2,), name="table"), keras.Input((3,), name="other")
    model = keras.Model([table, other], layers.Dense(1)(layers.concatenate([table, other])))
    a = GradientInput()(model, {"table": FRAME[["age", "hours"]], "other": np.ones((3, 3))})
    assert a.feature_names == ["age", "hours", "other 0", "other 1", "other 2"]


def test_a_function_s_table_has_names():
    seen = []

    def predict(x):
        seen.append(x.dtype)
        return x @ np.array([1.0, 2.0, -3.0])

    a = KernelSHAP()(predict, FRAME[["age", "hours", "married"]])
    np.testing.assert_allclose(a.to_pandas()["hours"], 2 * FRAME["hours"], atol=1e-6)
    assert set(seen) == {np.dtype("float64")}


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "int8", "uint16", "object"])
def test_number_types_of_pandas_are_numbers(dtype):
    frame = pd.DataFrame({"x": pd.Series([1, 0, 1], dtype=dtype), "y": [0.5, 1.5, 2.5]})
    a = GradientInput()(builders.linear(np.array([[2.0], [1.0]])), frame)
    np.testing.assert_allclose(a.values, [[2, 0.5], [0, 1.5], [2, 2.5]])
    assert a.columns[0].dtype == dtype


def test_text_types_of_pandas_are_texts():
    text = keras.Input((1,), name="colour", dtype="string")
    number = keras.Input((1,), name="hours")
    lookup = layers.StringLookup(vocabulary=list(PER_COLOUR), output_mode="one_hot")
    model = keras.Model([text, number], keras.ops.sum(lookup(text)[:, 1:], 1)[:, None] + number)
    for dtype in ("object", "string", "str", "category"):
        frame = pd.DataFrame(
            {"colour": pd.Series(["red", "pink"], dtype=dtype), "hours": [1, 2.0]}
        )
        table = FeatureAblation()(model, frame).to_pandas()
        np.testing.assert_allclose(table["colour"], [1, 0], atol=1e-6)


def test_columns_that_are_numbers_and_their_order_do_not_matter_by_name():
    inputs = [keras.Input((1,), name="0"), keras.Input((1,), name="1")]
    model = keras.Model(inputs, inputs[0] - 2.0 * inputs[1])
    frame = pd.DataFrame({1: [10.0], 0: [5.0], 7: ["left alone"]})
    a = GradientInput()(model, frame)
    assert a.to_pandas().to_dict("list") == {"0": [5.0], "1": [-20.0]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"age": [1.0, np.nan, np.nan]}, r"Column 'age' misses 2 of 3 values\. Fill them in"),
        ({"age": pd.Series([1, None, 3], dtype="Int64")}, "Column 'age' misses 1 of 3 values"),
        ({"age": pd.to_datetime(["2020-01-01"] * 3)}, "Column 'age' has type datetime64"),
        ({"age": [1, "two", 3]}, "Column 'age' has type object, and numbers or texts"),
        ({"age": ["a", "b", "c"]}, "Column 'age' holds texts and column 'hours' numbers"),
        ({"age": pd.Categorical(["a", None, "b"])}, "Column 'age' misses 1 of 3 values"),
        ({"age": [1 + 2j] * 3}, "Column 'age' has type complex128"),
    ],
    ids=str,
)
def test_columns_that_cannot_be_used_are_named(changes, sentence):
    frame = FRAME[["age", "hours"]].assign(**changes)
    model = builders.linear(np.array([[1.0], [2.0]]))
    with pytest.raises(InvalidInputError, match=sentence):
        GradientInput()(model, frame)
    with pytest.raises(InvalidInputError, match=sentence):
        FeatureAblation()(lambda x: x.sum(axis=1), frame)


def test_baselines_may_be_of_pandas_too():
    frame = FRAME[["age", "hours", "married"]]
    model = builders.linear(np.array([[1.0], [2.0], [-3.0]]))
    numbers = frame.to_numpy("f8")
    for given, same in (
        (frame.mean(), numbers.mean(0)),
        (frame, numbers),
        (frame.iloc[0], numbers[0]),
    ):
        a = GradientInput()(model, frame).values - KernelSHAP(baseline=given)(model, frame).values
        np.testing.assert_allclose(a, np.broadcast_to(same * [1, 2, -3], a.shape), atol=1e-4)
    a = DeepSHAP(background=frame)(model, frame)
    np.testing.assert_allclose(a.values, (numbers - numbers.mean(0)) * [1, 2, -3], atol=1e-4)
    parts = KernelSHAP(baseline=dict(FRAME[["age", "hours", "married"]].iloc[:1]))
    with pytest.raises(InvalidInputError, match="Column 'hours' misses 1 of 3 values"):
        KernelSHAP(baseline=frame.assign(hours=[1.0, np.nan, 2.0]))
    zero = parts(one_input_a_column(is_by_text=False), frame[:1])
    np.testing.assert_allclose(zero.to_pandas(), 0, atol=1e-5)


def test_two_columns_of_one_name_are_told():
    frame = pd.concat([FRAME, FRAME[["age"]]], axis=1)
    with pytest.raises(InvalidInputError, match="several columns named 'age'"):
        FeatureAblation()(one_input_a_column(), frame)
    doubled = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    a = GradientInput()(builders.linear(np.array([[1.0], [3.0]])), doubled)
    assert a.to_pandas().to_dict("list") == {"a (1)": [1.0], "a (2)": [6.0]}


def test_prediction_takes_a_table():
    model = one_input_a_column()
    expected = [3.9 + 40 - 3 + 2, 6.1 + 10.5 - 1, 2 - 3 + 2]
    np.testing.assert_allclose(tfxai.Subject(model).predict(FRAME)[:, 0], expected, rtol=1e-5)


def test_names_trace_nothing_anew():
    traces = []

    class Counting(keras.layers.Layer):
        def call(self, x):
            traces.append(1)
            return keras.ops.sum(x, axis=1, keepdims=True)

    x = keras.Input((2,))
    model = keras.Model(x, Counting()(x))
    frame = FRAME[["age", "hours"]]
    GradientInput()(model, frame)
    before = len(traces)
    renamed = GradientInput()(model, frame.rename(columns={"age": "years"}))
    assert renamed.feature_names == ["years", "hours"]
    assert len(traces) == before
