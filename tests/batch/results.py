"""The results of a run, read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet


def rows_of(folder) -> dict[str, dict]:
    """By key the columns of each explained example."""
    found = {}
    for path in sorted(Path(folder, "data").glob("part-*.parquet")):
        table = pyarrow.parquet.read_table(path)
        columns = {}
        for name in table.column_names:
            column = table.column(name).combine_chunks()
            if hasattr(column, "to_numpy_ndarray"):
                columns[name] = column.to_numpy_ndarray()
            else:
                columns[name] = column.to_pylist()
        for i, key in enumerate(columns["key"]):
            assert key not in found, "an example is there twice"
            found[key] = {name: columns[name][i] for name in columns}
    return found


def manifest(folder) -> dict:
    return json.loads(Path(folder, "manifest.json").read_text())


def failures(folder) -> list[dict]:
    lines = Path(folder, "failures.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def same(one, other) -> None:
    """Asserts that two runs have the same results to the last bit."""
    a, b = rows_of(one), rows_of(other)
    assert list(a) == list(b)
    for key, row in a.items():
        assert row.keys() == b[key].keys()
        for name, value in row.items():
            np.testing.assert_array_equal(value, b[key][name], strict=True)
    assert failures(one) == failures(other)
    text = Path(one, "summary.json").read_text()
    assert text == Path(other, "summary.json").read_text()
