"""Loading a model and its card without running code that the file brings along."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.card import Card
from tfxai.errors import (
    InvalidInputError,
    MissingExtraError,
    ModelFileError,
    TfxaiError,
    UnsafeModelError,
)
from tfxai.inspection import Limits, PrivateCopy, Report
from tfxai.inspection.reading import Contents
from tfxai.inspection.report import KEPT_OUT
from tfxai.registry.consistent_reads import read_whole
from tfxai.registry.folders import locate
from tfxai.registry.layouts import Stored

if TYPE_CHECKING:
    from tfxai.subject import Subject

# What Keras, h5py, zipfile and json raise on files that are cut short, damaged or no models.
_DEFECTS = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_UNKNOWN = re.compile(r"Could not locate (class|function) '([^']+)'")  # in what Keras says
_INNER = re.compile(r"Exception encountered: (.+)")
_NODE = re.compile(
    r"(\{\{[^}]*\}\}|\[\[.*\]\]|\[Op:[^\]]*\])"
)  # where in a graph, in TensorFlow's words
_LOG = logging.getLogger("tfxai.registry")
_SAID = 3  # findings that a sentence has room for
_PACKAGES = ("keras_hub.", "keras_cv.", "keras_nlp.")  # which Keras imports by itself


def load(
    name_or_path: str | os.PathLike[str],
    *,
    trust: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    signature: str | None = None,
    limits: Limits | None = None,
    class_names: Sequence[str] | None = None,
) -> Subject:
    """A trained model with its card, after a scan that found nothing against loading it.

    Args:
        name_or_path: As for `find`.
        trust: Load it whatever the scan found, and let Keras run the code in it (Lambda layers).
            What was found is logged as a warning of the logger `tfxai.registry`.
        custom_objects: Classes and functions that the model uses and Keras does not have, by name.
        signature: The signature of a SavedModel that is called; `"serving_default"`, or the only
            one, if left out.
        limits: What is read of the file and what it may ask for; the defaults suit models of up
            to 64 GiB.
        class_names: Name of each output, in order, in the place of those on the card.

    Returns:
        A `Subject`, not compiled; its card is the one in the folder of the model, else `NAME.json`
        beside the file or the preset, else the record of an export, and None where there is none
        of these. A SavedModel is explained at its inputs, its layers cannot be tapped.

    Raises:
        DataNotFoundError: There is no file at that path.
        UnknownNameError: No model has that name, or no signature.
        UnsafeModelError: The scan advises against loading the file; see its `report`.
        ModelFileError: The file holds no model that Keras can load safely.
        InvalidInputError: The card cannot be read, or `class_names` are no names.
        MissingExtraError: The model is one of KerasHub, which is not installed.
        UnsupportedModelError: Keras runs on another backend than TensorFlow.
        OutputError: There is no room for the copy of the file that is scanned and then loaded.
    """
    names = _names(class_names)
    subject = load_stored(
        lambda: locate(name_or_path),
        trust=trust,
        custom_objects=custom_objects,
        signature=signature,
        limits=limits,
    )
    if names is None:
        return subject
    from tfxai.card import Card
    from tfxai.subject import Subject

    card = subject.card or Card(name=Path(name_or_path).stem)
    return Subject(subject.model, dataclasses.replace(card, classes=names))


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names of classes that a caller passes."""
    if given is None:
        return None
    if isinstance(given, str) or not all(isinstance(one, str) and one for one in given):
        raise InvalidInputError(
            f"class_names={given!r} was expected to be a list of names, one an output."
        )
    return tuple(given)


def load_stored(
    find: Callable[[], Stored],
    *,
    trust: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    signature: str | None = None,
    limits: Limits | None = None,
) -> Subject:
    """The model that `find` finds, with the card that belongs to its file.

    Args:
        find: Called again where the model was replaced before its file was opened.
        trust: As for `load`.
        custom_objects: As for `load`.
        signature: As for `load`.
        limits: As for `load`.

    Raises:
        TfxaiError: As `load`.
    """
    own = dict(custom_objects or {})
    known = {*own, *_registered()}

    def copied() -> tuple[Stored, PrivateCopy]:
        found = find()
        file = found.files[0]
        return found, PrivateCopy(file, custom_objects=known, limits=limits, follow=trust)

    first = find()
    found, opened = read_whole(first.root, first.name, copied)
    path = found.files[0]
    with opened as copy:
        _judge(path, copy.report, trust)
        _look_ahead(path, copy.contents, copy.report, trust)
        from tfxai.core.model.backend import require_tensorflow
        from tfxai.subject import Subject

        require_tensorflow()
        if found.fault:
            raise InvalidInputError(found.fault)
        if copy.report.format == "saved_model":
            model = _saved_model(path, copy.path, signature)
            if (copy.path / "assets").is_dir():  # where it finds them when it is saved again
                copy.keep_for(model)
            return Subject(model, found.card or Card.of_export(path))
        from tfxai.registry.bounds import bounded

        with bounded(None if trust else copy.bytes_to_make):
            return Subject(_model(path, copy, own, trust), found.card)


def _registered() -> tuple[str, ...]:
    """Names of the classes and functions that are registered with Keras, where it is loaded."""
    keras = sys.modules.get("keras")
    return tuple(keras.saving.get_custom_objects()) if keras else ()


def _judge(path: Path, report: Report, trust: bool) -> None:
    """Raises where something speaks against loading the file, unless it is trusted."""
    if not report.refused:
        return
    found = report.at("refuse")
    if trust:
        reasons = "; ".join(one.what + (f" ({one.where})" if one.where else "") for one in found)
        _LOG.warning("Loading %s with trust=True, in spite of: %s.", path, reasons)
        return
    reasons = " ".join(_reason_of(one) for one in found[:_SAID])
    others = len(found) + report.left_out - _SAID
    more = f" There are {others} more findings." if others > 0 else ""
    what = "SavedModel that TensorFlow" if report.format == "saved_model" else "model that Keras"
    sentence = f"{str(path)!r} holds no {what} can load safely. {reasons}{more}"
    if report.broken:
        raise ModelFileError(
            f"{sentence} Pass a whole .keras or .h5 file or SavedModel; weights alone belong into "
            "a model built in code, by its load_weights(path)."
        )
    raise UnsafeModelError(
        f"{sentence} See `tfxai inspect`; pass trust=True (--trust) only if you know "
        "who made the file.",
        report,
    )


def _reason_of(finding: Any) -> str:
    cve = f" ({finding.cve})" if finding.cve and finding.cve not in finding.why else ""
    return f"{finding.why.rstrip('.')}{cve}."


def _saved_model(path: Path, copy: Path, signature: str | None) -> Any:
    from tfxai.registry.saved_models import saved_model

    try:
        return saved_model(copy, signature, path)
    except TfxaiError:
        raise
    except Exception as error:  # whatever TensorFlow makes of a damaged folder
        raise ModelFileError(
            f"{str(path)!r} holds no SavedModel that TensorFlow can load: {_first(error)}. "
            "Pass a whole folder with saved_model.pb and variables."
        ) from error


def _look_ahead(path: Path, contents: Contents, report: Report, trust: bool) -> None:
    """Raises where nothing harmful was found, and Keras could not load the file all the same."""
    for one in report.findings:
        if one.what in KEPT_OUT:
            written = contents.metadata.get("keras_version")
            by = f" (written by Keras {written})" if isinstance(written, str) else ""
            raise ModelFileError(f"{_holds_no(path)}{by}: {_lower(one.why)}")
    missing = [name for name in contents.custom if not name.startswith(_PACKAGES)]
    if missing and not trust:
        names = ", ".join(repr(name[:80]) for name in missing[:_SAID])
        more = f" and {len(missing) - _SAID} more" if len(missing) > _SAID else ""
        are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        raise ModelFileError(
            f"{_holds_no(path)}: it uses {names}{more}, which {are} not Keras' own. Pass {them} "
            f"in custom_objects, or import the module that registers {them} (--import MODULE)."
        )


def _holds_no(path: Path) -> str:
    return f"{str(path)!r} holds no model that Keras can load safely"


def _lower(sentence: str) -> str:
    """A sentence to stand behind a colon."""
    first = sentence.split(" ", 1)[0]
    return sentence if first == "Keras" else sentence[:1].lower() + sentence[1:]


def _model(path: Path, copy: PrivateCopy, custom_objects: dict[str, Any], trust: bool) -> Any:
    from tfxai.registry.building import build, version_of_keras
    from tfxai.registry.hub import load_preset, require_classes

    try:
        with warnings.catch_warnings():  # about the training state, which is not loaded
            warnings.simplefilter("ignore")
            require_classes(copy.contents.custom)
            if copy.report.format == "keras_hub":
                return load_preset(copy.path, copy.contents, custom_objects)
            return build(copy.path, copy.contents, custom_objects, safe_mode=not trust)
    except MissingExtraError:
        raise
    except ModelFileError as error:  # of ours, while Keras was at work
        raise ModelFileError(f"{str(path)!r} was not loaded. {error}") from error
    except _DEFECTS as error:
        own = _UNKNOWN.search(str(error))
        reason, advice = _first(error), _advice(copy.contents, version_of_keras())
        if own is not None:
            reason = f"it uses the {own[1]} {own[2]!r}, which is not Keras' own"
            advice = "Pass that to tfxai.load in custom_objects."
        raise ModelFileError(f"{_holds_no(path)}: {reason}. {advice}") from error


def _advice(contents: Contents, installed: str) -> str:
    """What to do about a file that Keras does not load."""
    if contents.config is None or contents.weights is None:
        return "Pass a whole .keras or .h5 file."
    if contents.format == "keras_hub":
        return "Save it again with save_to_preset(folder) where it comes from."
    written = contents.metadata.get("keras_version")
    by = f"Keras {written}" if isinstance(written, str) else "a version of Keras that is not named"
    return (
        f"The file is whole; {by} wrote it, and this is Keras {installed}. Load it where it comes "
        "from and export it, model.export(folder): tfxai.load takes the folder."
    )


def _first(error: Exception) -> str:
    """The error's first sentence, to stand inside another one."""
    text = _NODE.sub(" ", " ".join(str(error).split()))
    if text.startswith("File not found"):  # what Keras says of a file that is no zip file
        return "it is no whole zip archive (is it an HDF5 file, whose name should end in .h5?)"
    if "file signature not found" in text:  # what h5py says of a file that is no HDF5 file
        return "it is no HDF5 file (is it an archive, whose name should end in .keras?)"
    inner = _INNER.search(text)
    first = (inner[1] if inner else text).partition(". ")[0].rstrip(".")
    first = f"{first[:160]}..." if len(first) > 160 else first
    said = isinstance(error, OSError | TypeError | ValueError) and first
    return first if said else f"{type(error).__name__} {first}".strip()
