"""Files that are no models of Keras or TensorFlow, told by how they begin."""

from __future__ import annotations

POINTER = b"version https://git-lfs.github.com/spec/"
_LFS = (
    "It is a pointer of Git LFS, and the file itself was not fetched. Run `git lfs pull`, or "
    "download the file itself."
)
_STARTS = (
    (POINTER, _LFS),
    (b"\x93NUMPY", "It is an array of NumPy, and no model."),
    (b"GGUF", "It is a GGUF file of a language model, which neither Keras nor TensorFlow loads."),
    (b"\x1f\x8b", "It is packed by gzip. Unpack it first."),
    (b"BZh", "It is packed by bzip2. Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "It is packed by 7-Zip. Unpack it first."),
    (b"\xfd7zXZ", "It is packed by xz. Unpack it first."),
)
_TFLITE = (
    "It is a TensorFlow Lite model, which holds no layers and no gradients. Pass the model that "
    "it was converted from."
)
_PICKLE = (
    "It is a pickle of Python, which runs code when it is loaded and is never loaded here. Save "
    "the model as .keras where it comes from."
)
_TORCH = (
    "It is a model of PyTorch, whose weights are a pickle of Python. Pass a function that calls "
    "it, or a model of Keras."
)
_ONNX = (
    "It is an ONNX model. Pass a function that runs it in the place of a model, or the model that "
    "it was converted from."
)
_SAFETENSORS = (
    "It holds weights in the format safetensors, and no model. Build the model in code, and give "
    "it the weights."
)
_PAGE = "It is a page of the web, probably in the place of a download. Download the file itself."
_JSON = (
    "It is JSON text and has no weights. Pass the file that has both, or build the model in code "
    "and load the weights by its load_weights(path)."
)


def what_it_is(start: bytes) -> str | None:
    """What a file of another kind is and what to do; None where it is not known.

    Args:
        start: Its first bytes, some hundreds.
    """
    for mark, sentence in _STARTS:
        if start.startswith(mark):
            return sentence
    text = start.lstrip()[:200].lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return _PAGE
    if start[4:8] == b"TFL3":
        return _TFLITE
    if _is_pickle(start):
        return _PICKLE
    if start[8:10] == b'{"' and int.from_bytes(start[:8], "little") < 1 << 32:
        return _SAFETENSORS
    if _is_onnx(start):
        return _ONNX
    if text.startswith((b"{", b"[")):
        return _JSON
    return None


def in_archive(names: list[str]) -> str | None:
    """The same of a zip archive, by the names of its members."""
    if "config.json" in names:
        return None
    if any(name.endswith("data.pkl") for name in names):
        return _TORCH
    if names and all(name.endswith(".npy") for name in names):
        return "It holds arrays of NumPy, and no model."
    if any(name.endswith("saved_model.pb") for name in names):
        return "It is a packed SavedModel. Unpack it, and pass the folder."
    return None


def _is_pickle(start: bytes) -> bool:
    """Protocols 2 to 5 say so; the older ones begin with an instruction for a global or a mark."""
    if start[:1] == b"\x80":
        return start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    return start.startswith((b"(dp", b"(lp", b"c__builtin__", b"ccopy_reg", b"(i", b"cnumpy"))


def _is_onnx(start: bytes) -> bool:
    """A `ModelProto`: the version of its format, then who made it or what it is for."""
    if len(start) < 4 or start[0] != 0x08 or not 1 <= start[1] <= 20:
        return False
    return start[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42) and start[3] < 128
