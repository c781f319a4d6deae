from tests.inspection.keras_api import collected
from tfxai.inspection.names import keras_names


def test_the_tables_are_those_of_the_installed_keras():
    for table, names in collected().items():
        if isinstance(names, set):
            names = {name for name in names if not name.startswith("_")}
        assert getattr(keras_names, table) == names, f"write {table} again: see keras_api.py"


def every_name():
    """The names of all tables that let something pass."""
    found = set()
    for table, names in collected().items():
        if table not in ("BUILTINS", "NAMESPACE"):  # what is looked out for
            found |= set().union(*names.values()) if isinstance(names, dict) else names
    return found


def test_nothing_that_opens_files_or_loads_models_is_in_a_table():
    gadgets = {"get_file", "load_model", "load_img", "plot_model", "save_model", "load_data"}
    assert every_name() & (gadgets | {"enable_unsafe_deserialization", "model_from_json"}) == set()
    assert every_name() & {"deserialize", "get", "serialize", "keras_export"} == set()
