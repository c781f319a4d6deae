"""How much of a file is read, and how much it may claim."""

from __future__ import annotations

import dataclasses
from typing import final

MIB = 1 << 20


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What a scan reads at most, and what a model may ask for.

    A file beyond one of them is refused: memory and time are bounded, whatever it says of itself.

    Args:
        json_bytes: Bytes of one JSON document.
        json_items: Values in one JSON document; each takes some 200 bytes of memory.
        json_depth: Levels of lists and dicts in one another.
        directory_bytes: Bytes of an archive's list of members.
        ratio: Bytes unpacked for each byte stored; nothing below 1 MiB is held to it.
        unpacked_bytes: Bytes of all of an archive's members together, unpacked.
        dataset_bytes: Bytes of one array of weights.
        weights_bytes: Bytes of all arrays of weights together.
        objects: Groups, arrays and attributes of an HDF5 file; nodes of a SavedModel's graphs.
        graph_bytes: Bytes of a SavedModel's `saved_model.pb`.
        unstored_bytes: Bytes that loading makes room for without the file holding them: weights
            that it lacks, constants of one repeated number.
    """

    json_bytes: int = 16 * MIB
    json_items: int = 500_000
    json_depth: int = 100
    directory_bytes: int = MIB
    ratio: int = 100
    unpacked_bytes: int = 64 * 1024 * MIB
    dataset_bytes: int = 16 * 1024 * MIB
    weights_bytes: int = 64 * 1024 * MIB
    objects: int = 200_000
    graph_bytes: int = 1024 * MIB
    unstored_bytes: int = 64 * MIB
