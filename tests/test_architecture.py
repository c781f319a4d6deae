"""Imports point down the layers, and `import tfxai` is light."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, loaded

# A module may import its own package and lower levels, wherever in the file it does so.
LEVELS = {
    "errors": 0, "config": 0, "__version__": 0,
    "arithmetic": 0, "arrays": 0, "classes": 0, "columns": 0, "reprs": 0, "tokens": 1,
    "arrangement": 1, "files": 1, "patch_grid": 1, "progress": 1, "regions": 1,
    "axes": 2, "core": 2, "data": 2, "feature_groups": 2,
    "card": 3, "baselines": 3, "differences": 3, "table_features": 3, "heatmaps": 3, "joining": 3,
    "model_copies": 3,
    "remarks": 3, "attribution_files": 3, "certainty": 3, "text": 3, "token_values": 3,
    "subject": 4, "attribution": 4, "inspection": 4,
    "registry": 5, "class_outputs": 5, "attention_weights": 5, "digests": 5,
    "models": 6,
    "methods": 7,
    "features": 8, "metrics": 8, "plotting": 8, "rules": 8, "crosscheck": 8,
    "influence": 8, "generation": 8, "precision": 8,
    "auditing": 9, "callbacks": 9, "concepts": 9, "debugging": 9, "export": 9,
    "sanity": 9,
    "compat": 10, "reporting": 10, "serving": 10,
    "batch": 11,
    "cli": 12, "__main__": 13,
}  # fmt: skip
# The rooms of core/ and what lies above them: a room may import its own modules and lower ones.
ROOMS = {
    "graph": 0, "options": 0,
    "inputs": 1, "sampling": 1,
    "tracing": 2, "model": 2,
    "network": 3, "question": 3, "windows": 3,
    "designs": 4, "propagation": 4,
    "forward": 5,
    "score": 6,
    "diagnosis": 7, "refinement": 7, "sampled": 7, "splitting": 7,
    "program": 8,
}  # fmt: skip
IMPORTED_AS = {
    "apache-beam": "apache_beam",
    "grpcio": "grpc",
    "pillow": "PIL",
    "protobuf": "google",
    "prometheus-client": "prometheus_client",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "tensorflow-datasets": "tensorflow_datasets",
}
WHOLE = LEVELS["plotting"]  # a bare `import tfxai` may load any library module
LAZY_UPWARD = {  # plot() only
    ("attention_weights", "plotting"),
    ("attribution", "plotting"),
    ("features", "plotting"),
    ("generation", "plotting"),
    ("metrics", "plotting"),
}


def imported(node: ast.AST, package: str) -> Iterator[str]:
    """The dotted names that an import statement in `package` may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) + 1 - node.level]
        origin = ".".join([*above, node.module] if node.module else above)
        origin = origin if node.level else node.module or ""
        yield from (f"{origin}.{alias.name}" for alias in node.names)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each name that the file imports to run, and whether only inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ".".join(path.relative_to(ROOT).parent.parts)
    nodes = list(ast.walk(tree))
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lazy = {id(inner) for outer in functions for inner in ast.walk(outer)}
    checks = [n for n in nodes if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    only_types = {id(inner) for outer in checks for inner in ast.walk(outer)}
    for node in nodes:
        for name in imported(node, package):
            if id(node) not in only_types:
                yield name, id(node) in lazy


def unit(dotted: str) -> str:
    """`tfxai.core.score` belongs to `core`; a bare `tfxai` to nothing."""
    return dotted.partition(".")[2].partition(".")[0]


def breaches(path: Path) -> list[str]:
    own = path.relative_to(ROOT / "tfxai").parts[0].removesuffix(".py")
    found = []
    for name, is_lazy in imports(path):
        other = unit(name) if name.split(".")[0] == "tfxai" else None
        if name.split(".")[0] == "matplotlib" and own != "plotting":
            found.append(f"{own} imports {name}, which only plotting may")
        if other is None or other == own or (is_lazy and (own, other) in LAZY_UPWARD):
            continue
        if own not in LEVELS or LEVELS.get(other, WHOLE) >= LEVELS[own]:
            found.append(f"{own} imports {name}")
    return found


MODULES = [path for path in (ROOT / "tfxai").rglob("*.py") if path != ROOT / "tfxai/__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downward(path):
    assert breaches(path) == []


CORE = [path for path in MODULES if path.is_relative_to(ROOT / "tfxai/core")]


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_rooms_of_core_import_downward(path):
    own = path.relative_to(ROOT / "tfxai/core").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    used = {name.split(".")[2] for name, _ in imports(path) if name.startswith("tfxai.core.")}
    assert {room for room in used if room != own and ROOMS[room] >= ROOMS[own]} == set()


def test_a_breach_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "tfxai" / "core" / "score.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import tfxai\nfrom ..methods import base\nfrom . import layers\n"
        "from tfxai.errors import TfxaiError\ndef f():\n    from tfxai import cli\n"
        "    import matplotlib.figure\n"
    )
    assert breaches(module) == [
        "core imports tfxai",
        "core imports tfxai.methods.base",
        "core imports tfxai.cli",
        "core imports matplotlib.figure, which only plotting may",
    ]


@pytest.mark.parametrize("is_server", [False, True], ids=["the library", "the server"])
def test_every_package_that_is_imported_is_declared(is_server):
    modules = [path for path in MODULES if ("serving" in path.parts) == is_server]
    wanted = {name.split(".")[0] for path in modules for name, _ in imports(path)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (
        ["serve", "grpc"] if is_server else ["batch", "beam", "data", "pandas", "ray", "report"]
    )
    extras += [] if is_server else ["spark"]
    several = [project["optional-dependencies"][extra] for extra in extras]
    declared = [*project["dependencies"], *(one for part in several for one in part)]
    known = {"tfxai", *sys.stdlib_module_names}
    known |= {IMPORTED_AS.get(n, n) for n in (re.split(r"[<>=\[]", one)[0] for one in declared)}
    assert wanted - known == set()  # neither OpenCV nor TensorBoard, for one


def test_every_package_has_an_init():
    folders = {path.parent for path in MODULES}
    assert [folder.name for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_import_of_tfxai_loads_nothing_heavy():
    assert loaded("import tfxai", "PIL") == []
