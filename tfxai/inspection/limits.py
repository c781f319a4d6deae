"""How much of a file is read, and how much it may claim."""

from __future__ import annotations

import dataclasses
from typing import final

from tfxai import config
from tfxai.errors import InvalidInputError, UnknownNameError

MIB = 1 << 20
UNITS = {"": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30, "TiB": 1 << 40}


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What a scan reads at most, and what a model may ask for.

    A file beyond one of them is refused: memory and time are bounded, whatever it says of itself.

    Args:
        json_bytes: Bytes of one JSON document.
        json_items: Values in one JSON document, other than texts in lists; each takes some 200
            bytes of memory.
        json_texts: Texts in lists in one JSON document, as a vocabulary has them.
        json_depth: Levels of lists and dicts in one another.
        directory_bytes: Bytes of an archive's list of members.
        ratio: Bytes unpacked for each byte stored; nothing below 1 MiB is held to it.
        unpacked_bytes: Bytes of all of an archive's members together, unpacked.
        dataset_bytes: Bytes of one array of weights.
        weights_bytes: Bytes of all arrays of weights together.
        objects: Groups, arrays and attributes of an HDF5 file; nodes of a SavedModel's graphs.
        graph_bytes: Bytes of a SavedModel's `saved_model.pb`.
        asset_bytes: Bytes of one file that a tokenizer of a KerasHub preset reads.
        unstored_bytes: Bytes that loading makes room for without the file holding them: weights
            that it lacks, constants of one repeated number.
    """

    json_bytes: int = 16 * MIB
    json_items: int = 500_000
    json_texts: int = 2_000_000
    json_depth: int = 100
    directory_bytes: int = MIB
    ratio: int = 100
    unpacked_bytes: int = 64 * 1024 * MIB
    dataset_bytes: int = 16 * 1024 * MIB
    weights_bytes: int = 64 * 1024 * MIB
    objects: int = 200_000
    graph_bytes: int = 1024 * MIB
    asset_bytes: int = 64 * MIB
    unstored_bytes: int = 64 * MIB

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InvalidInputError(
                    f"{field.name}={value!r} is no limit. Pass a whole number, 0 or more."
                )


def chosen(limits: Limits | None) -> Limits:
    """The limits that were passed, or else the defaults with `config.model_limits`.

    Raises:
        InvalidInputError: `config.model_limits` has a value that is none.
        UnknownNameError: It names no limit.
    """
    if limits is not None:
        return limits
    names = [field.name for field in dataclasses.fields(Limits)]
    for name in config.model_limits:
        if name not in names:
            raise UnknownNameError.of("limit", name, names, "config.model_limits")
    return Limits(**config.model_limits)


def read_limit(text: str) -> tuple[str, int]:
    """Name and value of a limit as the command line has it: `weights_bytes=8GiB`.

    Raises:
        InvalidInputError: It is no such text, or no limit has that name.
    """
    names = [field.name for field in dataclasses.fields(Limits)]
    name, _, value = text.partition("=")
    number = value.rstrip("BGKMTi")
    unit = value[len(number) :]
    if name not in names:
        raise UnknownNameError.of("limit", name, names)
    if not number.isdecimal() or unit not in UNITS or len(number) > 18:
        raise InvalidInputError(
            f"{text!r} is no limit. Pass NAME=NUMBER, or with a unit, as in weights_bytes=8GiB."
        )
    return name, int(number) * UNITS[unit]
