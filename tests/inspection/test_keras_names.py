from tests.inspection.keras_api import collected
from tfxai.inspection import keras_names


def test_the_tables_are_those_of_the_installed_keras():
    for table, names in collected().items():
        public = {name for name in names if not name.startswith("_")}
        assert getattr(keras_names, table) == public, f"write {table} again: see keras_api.py"


def test_nothing_that_opens_files_or_loads_models_is_in_a_table():
    every = set().union(*(getattr(keras_names, table) for table in collected()))
    gadgets = {"get_file", "load_model", "load_img", "plot_model", "save_model", "load_data"}
    assert every & (gadgets | {"enable_unsafe_deserialization", "model_from_json"}) == set()
