"""Models as earlier versions of tfxai saved them: the files of all names side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tfxai.card import Card, sha256_of


def write_old(
    root: Path,
    name: str,
    model: Path,
    card: Card | None = None,
    history: Mapping[str, list[float]] | None = None,
) -> Path:
    """Writes `NAME.keras` (or `.h5`), `NAME.history.json` and `NAME.json`; the model's path."""
    root.mkdir(parents=True, exist_ok=True)
    file = root / f"{name}{model.suffix}"
    shutil.copyfile(model, file)
    kept = [file]
    if history is not None:
        kept.append(root / f"{name}.history.json")
        kept[1].write_text(json.dumps(history))
    record = (card or Card(name=name)).to_dict()
    record |= {"name": name, "sha256": {path.name: sha256_of(path) for path in kept}}
    (root / f"{name}.json").write_text(json.dumps(record))
    return file
