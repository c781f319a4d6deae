"""Whatever an old config holds, rewriting it gives an answer and adds nothing harmful."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.test_fuzz import FUZZ, JSON, spots
from tests.inspection.test_honest import OLD
from tfxai.inspection.config.config_scan import ConfigScan
from tfxai.inspection.config.slots import ANY
from tfxai.inspection.names import keras_names as keras
from tfxai.inspection.old_keras.configs import is_old, rewritten
from tfxai.inspection.old_keras.operations import BINARY, OPTIONS, UNARY
from tfxai.inspection.report import Findings


def layer(kind, name, call=None, **options):
    made = {"class_name": kind, "config": {"name": name, **options}, "name": name}
    return made if call is None else {**made, "inbound_nodes": call}


def graph(name, layers, end):
    first = layers[0]["name"]
    ends = {"input_layers": [[first, 0, 0]], "output_layers": [[end, 0, 0]]}
    return {"class_name": "Model", "config": {"name": name, "layers": layers, **ends}}


def ref(of, call=0, **arguments):
    return [of, call, 0, arguments]


INPUT = layer("InputLayer", "in", [], batch_input_shape=[None, 4, 6], dtype="float32")
INNER = graph("inner", [INPUT, layer("Dense", "a/b", [[ref("in")]], units=6)], "a/b")
STACK = {
    "class_name": "Sequential",
    "config": [layer("LSTM", "l", batch_input_shape=[None, 4, 6])],
}
WHOLE = graph(
    "outer",
    [
        INPUT,
        layer("TFOpLambda", "op", [ref("in", y=2.0, name=None)], function="math.truediv"),
        {**INNER, "name": "inner", "inbound_nodes": [[ref("op")], [ref("in")]]},
        layer(
            "MultiHeadAttention", "mha", [[ref("inner", 1, value=["inner", 2, 0])]], num_heads=2
        ),
        layer("GRU", "gru", [[ref("mha"), ref("state")]], recurrent_activation="hard_sigmoid"),
        layer(
            "Bidirectional",
            "both",
            [[ref("mha")]],
            layer=layer("LSTM", "l", activation={"class_name": "LeakyReLU", "config": {}}),
        ),
    ],
    "gru",
)
FIRST = {
    "class_name": "Sequential",
    "config": [
        layer("Convolution2D", "c", nb_filter=2, nb_row=3, nb_col=3, dim_ordering="th"),
        layer("BatchNormalization", "b", axis=[1], mode=0),
        layer("Lambda", "l", function=["a", None, None], function_type="lambda"),
    ],
}
BASES = {"whole": WHOLE, "stack": STACK, "plain": OLD, "first": FIRST}
WRONG = st.sampled_from(
    [[], {}, [[]], ["in", 0, 0], {"class_name": "Dense"}, {"class_name": [], "config": {}}]
)
RUNS = {"function", "__lambda__", "__typespec__"}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
@pytest.mark.parametrize("hdf5", [True, False])
@FUZZ
@given(
    picks=st.lists(st.tuples(st.integers(0, 10**6), JSON | WRONG), max_size=3),
    version=st.sampled_from([None, 1, 2, 3]),
)
def test_anything_anywhere_is_rewritten_or_left(base, hdf5, picks, version):
    config = copy.deepcopy(base)
    for number, new in picks:
        every = spots(config)
        holder, key = every[number % len(every)]
        holder[key] = copy.deepcopy(new)  # which may be put into itself
        if not config:
            return
    before = copy.deepcopy(config)
    made = rewritten(config, version, hdf5=hdf5, supplied=())
    assert config == before
    json.dumps(made.config)
    ConfigScan(Findings(), (), legacy=hdf5).model(made.config, "")


def test_what_is_rewritten_for_keras_3_stays_as_it_is():
    once = rewritten(WHOLE, 2, hdf5=True, supplied=()).config
    again = rewritten(once, 3, hdf5=False, supplied=())
    assert again.config == once
    assert not again.changed


def test_only_known_classes_get_a_module():
    config = copy.deepcopy(WHOLE)
    for one in config["config"]["layers"]:
        if one["class_name"] == "GRU":
            one["class_name"] = "plot_model"
    made = rewritten(config, 2, hdf5=True, supplied=()).config["config"]["layers"]
    by_name = {one["config"]["name"]: one for one in made}
    assert "module" not in by_name["gru"]
    for name, one in by_name.items():
        assert name == "gru" or one["class_name"] in ANY.classes


def test_what_the_caller_supplies_keeps_its_name():
    made = rewritten(WHOLE, 2, hdf5=True, supplied={"GRU", "hard_sigmoid"}).config
    (gru,) = [one for one in made["config"]["layers"] if one["config"]["name"] == "gru"]
    assert "module" not in gru
    assert gru["config"]["recurrent_activation"]["config"] == "hard_sigmoid"


POLICY = {"class_name": "Policy", "config": {"name": "mixed_float16"}, "shared_object_id": 1}
NOTED = {  # beside the config of a layer in a SavedModel of Keras 2
    "dtype": POLICY,
    "input_spec": {"class_name": "InputSpec", "config": {"shape": [None, 4], "axes": {}}},
    "save_spec": {"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": [[]]},
    "training_config": {"optimizer_config": {"class_name": "Adam", "config": {}}},
}
RECORDS = {
    "layer": ("layer", layer("Dense", "d", units=3, dtype=POLICY)),
    "model": ("layer", WHOLE),
    "own_layer": ("layer", layer("Mine>Layer", "d")),
    "cell": ("layer", layer("ConvLSTMCell", "c", filters=2)),
    "metric": ("metric", {"class_name": "Mean", "config": {"name": "loss", "dtype": "float32"}}),
    "own_metric": ("metric", {"class_name": "F1", "config": {"name": "f1"}}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_what_keras_2_notes_of_a_layer_is_no_alarm(name):
    role, record = RECORDS[name]
    found = Findings()
    ConfigScan(found, (), legacy=True).part({**record, **NOTED}, role, "here")
    assert found.report(Path("x"), "saved_model").at("refuse") == ()


def test_code_that_keras_2_notes_is_refused():
    found = Findings()
    record = layer("Lambda", "l", function=["4wE=", None, None])
    ConfigScan(found, (), legacy=True).part({**record, **NOTED}, "layer", "here")
    first, *_ = found.report(Path("x"), "saved_model").at("refuse")
    assert first.what == ("code in the file")


def test_a_function_that_is_no_text_is_left():
    config = copy.deepcopy(WHOLE)
    config["config"]["layers"][1]["config"]["function"] = []
    made = rewritten(config, 2, hdf5=True, supplied=()).config
    assert made["config"]["layers"][1]["class_name"] == "TFOpLambda"


def test_the_operations_are_those_of_the_installed_keras():
    known = set().union(*keras.OPERATIONS.values())
    named = {*UNARY.values(), *(one for one, _ in BINARY.values())}
    assert named | {one for one, _ in OPTIONS.values()} <= known


@pytest.mark.parametrize(
    ("config", "version", "old"),
    [
        ({"batch_shape": [None, 4], "module": "keras"}, None, False),
        ({"batch_input_shape": [None, 4], "module": "keras"}, None, True),
        ({"name": "x"}, None, True),
        ({"name": "x"}, 3, False),
        ({"module": "keras"}, 2, True),
    ],
)
def test_a_config_without_a_version_is_known_by_its_form(config, version, old):
    assert is_old(config, version) is old
