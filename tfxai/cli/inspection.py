"""What is known of one saved model, for a reader at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tfxai.inspection import Finding, Inspection, Layer, Tensor

SHOWN = 40  # layers, unless all are asked for
SIGNS = {"ok": "green", "warn": "yellow", "refuse": "bold red"}
FORMATS = {
    "keras": "Keras archive (.keras)",
    "keras_folder": "folder of Keras",
    "keras_hub": "preset of KerasHub",
    "hdf5": "HDF5 file of Keras (.h5)",
    "saved_model": "TensorFlow SavedModel",
    "unknown": "unknown",
}


def show(found: Inspection, whole: bool) -> None:
    """Prints all of it, and what the scan found.

    Args:
        found: Findings on one file or folder.
        whole: Whether every layer is shown.
    """
    from tfxai.cli.terminal import print_laid_out, say

    print_laid_out(_facts(found))
    if found.layers:
        say()
        print_laid_out(_layers(found.layers, whole))
    if found.saved_model is not None:
        say()
        print_laid_out(_signatures(found))
    say()
    _say_safety(found)


def _facts(found: Inspection) -> Table:
    from rich.table import Table
    from rich.text import Text

    from tfxai.cli.terminal import shown

    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in _lines(found):
        if value:
            made.add_row(name, Text(shown(value)))
    return made


def _lines(found: Inspection) -> list[tuple[str, str]]:
    saved = found.saved_model
    written = f"Keras {found.keras_version or '(version not stated)'}"
    if saved is not None:
        written = f"TensorFlow {saved.tensorflow_version}"
    return [
        ("File", str(found.path)),
        ("Format", FORMATS[found.format]),
        ("Saved by", " on ".join(filter(None, (written, found.saved)))),
        ("Size", _bytes(found.size)),
        ("SHA-256", found.sha256 or ""),
        ("Model", " ".join(filter(None, (found.model_class, found.name)))),
        *_ends("Input", found.inputs),
        *_ends("Output", found.outputs, found.final_activation),
        *_of_hub(found),
        ("Parameters", _parameters(found)),
        ("Trained with", _training(found)),
        ("Preparation", _listed(found.preprocessing)),
        ("Grad-CAM", _cam(found)),
        ("Attention", _listed(found.attention)),
        ("Embeddings", _listed(found.embeddings)),
        ("Needs", _listed(found.custom_objects)),
        *_of_saved_model(found),
    ]


def _of_hub(found: Inspection) -> list[tuple[str, str]]:
    hub = found.hub
    if hub is None:
        return []
    words = _counted(hub.vocabulary, "token")
    length = _counted(hub.length, "token", before="texts are cut to ")
    layers = _counted(hub.layers, "layer")
    heads = _counted(hub.heads, "head", " each")
    width = _counted(hub.width, "number", " for each token")
    return [
        ("Backbone", hub.backbone or ""),
        ("Tokenizer", hub.tokenizer or ""),
        ("Vocabulary", ", ".join(filter(None, (words, length)))),
        ("Transformer", ", ".join(filter(None, (layers, heads, width)))),
    ]


def _counted(count: int | None, what: str, behind: str = "", before: str = "") -> str:
    """A number of things; nothing where it is not known."""
    if count is None:
        return ""
    return f"{before}{count:,} {what}{'' if count == 1 else 's'}{behind}"


def _of_saved_model(found: Inspection) -> list[tuple[str, str]]:
    saved = found.saved_model
    if saved is None:
        return []
    most = sorted(saved.ops.items(), key=lambda item: (-item[1], item[0]))
    ops = ", ".join(f"{name} ({count})" for name, count in most[:8])
    more = f" and {len(most) - 8} other kinds" if len(most) > 8 else ""
    return [
        ("Tags", ", ".join(saved.tags)),
        ("Fingerprint", saved.fingerprint.get("saved_model_checksum", "")),
        ("Operations", f"{sum(saved.ops.values()):,}: {ops}{more}" if most else ""),
        ("Explains by", ", ".join(found.explained_by)),
    ]


def _ends(
    title: str, tensors: Sequence[Tensor], activations: Sequence[str | None] = ()
) -> list[tuple[str, str]]:
    rows = []
    for number, tensor in enumerate(tensors):
        text = f"{tensor.name} {_shape(tensor.shape)} {tensor.dtype}"
        if number < len(activations):
            text += f", {activations[number] or 'activation not known'}"
        rows.append((title if number == 0 else "", text))
    return rows


def _parameters(found: Inspection) -> str:
    counted = found.parameters
    if counted is None:
        return ""
    if counted.trainable is None:
        return f"{counted.total:,} (which of them are trainable, the file does not say)"
    return f"{counted.total:,} ({counted.trainable:,} trainable, {counted.non_trainable:,} not)"


def _training(found: Inspection) -> str:
    if not found.compiled:
        return "not compiled" if found.layers else ""
    parts = [found.optimizer, found.loss, *found.metrics]
    return ", ".join(str(part) for part in parts if part)


def _cam(found: Inspection) -> str:
    if found.saved_model is not None:
        return ""
    if not found.cam_layers and any(layer.shape is None for layer in found.layers):
        return "unknown: the file does not say the shape of every layer"
    if not found.cam_layers:
        return "no layer with two spatial axes" if found.layers else ""
    path, size = found.cam_layer or found.cam_layers[-1]
    sizes: dict[Any, None] = dict.fromkeys(one for _, one in found.cam_layers)
    grids = ", ".join(_grid(one) for one in list(sizes)[:6])
    return f"{path} at {_grid(size)}; {len(found.cam_layers)} layers at {grids}"


def _grid(size: tuple[int | None, int | None]) -> str:
    return "x".join("?" if n is None else str(n) for n in size)


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _bytes(size: int) -> str:
    if size < 10_000:
        return f"{size:,} bytes"
    unit, factor = ("MB", 1e6) if size >= 1e6 else ("kB", 1e3)
    return f"{size / factor:,.1f} {unit} ({size:,} bytes)"


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "unknown"
    return "(" + ", ".join("B" if n is None and i == 0 else "?" if n is None else str(n)
                           for i, n in enumerate(shape)) + ")"  # fmt: skip


def _layers(layers: Sequence[Layer], whole: bool) -> Table:
    from rich.text import Text

    from tfxai.cli.terminal import shown, table

    made = table("Layer", "Class", "Output", "Parameters", right=(3,))
    half = SHOWN // 2
    left_out = 0 if whole else max(0, len(layers) - SHOWN)
    for number, layer in enumerate(layers):
        if left_out and number == half:
            made.add_row(Text(f"... {left_out} more (--all)", "dim"), "", "", "")
        if left_out and half <= number < len(layers) - half:
            continue
        count = "unknown" if layer.parameters is None else f"{layer.parameters:,}"
        frozen = "" if layer.trainable else " (frozen)"
        made.add_row(
            Text(shown(layer.path)),
            Text(shown(layer.kind) + frozen),
            _shape(layer.shape),
            count if layer.parameters != 0 else "",
        )
    return made


def _signatures(found: Inspection) -> Table:
    from rich.text import Text

    from tfxai.cli.terminal import shown, table

    made = table("Signature", "Takes", "Gives")
    signatures = found.saved_model.signatures if found.saved_model else {}
    for name, (inputs, outputs, _) in signatures.items():
        ends = [
            "\n".join(f"{one.name} {_shape(one.shape)} {one.dtype}" for one in some)
            for some in (inputs, outputs)
        ]
        made.add_row(Text(shown(name), "bold"), *(Text(shown(end)) for end in ends))
    return made


def _say_safety(found: Inspection) -> None:
    from tfxai.cli.terminal import say

    report = found.report
    verdict = {
        "ok": "Nothing harmful was found.",
        "warn": "Look at the warnings before you load it.",
        "refuse": "Do not load it.",
    }[report.level]
    say(verdict, style=SIGNS[report.level])
    for finding in report.findings:
        if finding.level != "ok":
            say_finding(finding)
    if report.left_out:
        say(f"{report.left_out:,} findings more of these kinds.")


def say_finding(finding: Finding) -> None:
    """Prints one finding: its level and kind, its place, and why."""
    from rich.padding import Padding
    from rich.text import Text

    from tfxai.cli.terminal import output, print_laid_out, shown

    where = f" in {finding.where}" if finding.where else ""
    cve = f" ({finding.cve})" if finding.cve else ""
    head = Text.assemble((finding.level, SIGNS[finding.level]), f" {finding.what}", shown(where))
    output().print(Text.assemble(head, (cve, "bold")), soft_wrap=True)
    print_laid_out(Padding(Text(shown(finding.why)), (0, 0, 0, 4)))
