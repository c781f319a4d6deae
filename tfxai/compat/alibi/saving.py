"""What stands for alibi's `saving`, which pickles code: nothing but a sentence that says so."""

from typing import NoReturn

SAVE_THE_MODEL = (
    "It pickles code. Save the model with Keras, make the explainer anew from it, and keep an "
    "explanation by to_json."
)
_NOT_HERE = ("load_explainer", "save_explainer")


def __getattr__(name: str) -> NoReturn:
    if name in _NOT_HERE:
        raise ImportError(f"tfxai does not replace alibi's {name!r}. {SAVE_THE_MODEL}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
