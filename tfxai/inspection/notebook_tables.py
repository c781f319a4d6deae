"""An inspected model as small tables, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfxai.reprs import facts_html, listed, rows_html, size

if TYPE_CHECKING:
    from tfxai.inspection.config.shapes import Shape
    from tfxai.inspection.inspecting import Inspection, Layer
    from tfxai.inspection.saved_model.meta_graphs import Tensor


def inspection_html(found: Inspection) -> str:
    """What the file is, its layers, and what the scan found that is not as it should be."""
    facts = [
        ("File", str(found.path)),
        ("Format", found.format),
        ("Size", size(found.size)),
        ("Saved by", "" if found.keras_version is None else f"Keras {found.keras_version}"),
        ("Model", " ".join(filter(None, (found.model_class, found.name)))),
        ("Inputs", listed([_tensor(one) for one in found.inputs])),
        ("Outputs", listed([_tensor(one) for one in found.outputs])),
        ("Parameters", "" if found.parameters is None else f"{found.parameters.total:,}"),
        ("Grad-CAM", "" if found.cam_layer is None else found.cam_layer[0]),
        ("Needs", listed([str(name) for name in found.custom_objects])),
    ]
    told = facts_html(repr(found), facts)
    if found.layers:
        headings = ("Layer", "Class", "Output", "Parameters")
        told += rows_html(headings, [_cells(one) for one in found.layers])
    bad = [one for one in found.report.findings if one.level != "ok"]
    if bad:
        rows = [(one.level, one.what, one.where, one.why) for one in bad]
        told += rows_html(("Level", "Finding", "Where", "Why"), rows)
    return told


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.name} {_sizes(tensor.shape)} {tensor.dtype}"


def _cells(layer: Layer) -> tuple[str, str, str, str]:
    count = "" if layer.parameters is None else f"{layer.parameters:,}"
    return layer.path, layer.kind, _sizes(layer.shape), count


def _sizes(shape: Shape) -> str:
    """A shape as in `(B, 32, None)`, or nothing where it is not known."""
    return "" if shape is None else f"({', '.join(['B', *map(str, shape[1:])])})"
