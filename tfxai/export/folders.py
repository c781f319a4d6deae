"""Version folders as TensorFlow Serving watches them: there whole, or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfxai.errors import OutputError

_TRIES = 20


class NewVersion:
    """The folder BASE/NAME/VERSION that an export is to become.

    Args:
        path: BASE/NAME/VERSION; or BASE/NAME, which takes the number after the greatest one.
        overwrite: Whether a version that is there is replaced.

    Raises:
        OutputError: The version is there already, the path is that of a folder of models, or it
            cannot be a folder.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        given = Path(os.path.abspath(path))  # noqa: PTH100 - "." has no name otherwise
        self._number = int(given.name) if _is_number(given.name) else None
        self.parent = given.parent if self._number is not None else given
        self._named = given if self._number is not None else None
        self._overwrite = overwrite
        models = sorted(one.parents[1].name for one in self.parent.glob("[!.]*/*/saved_model.pb"))
        if models and not versions(self.parent):
            raise OutputError(
                f"{str(self.parent)!r} holds folders of models, such as {models[0]!r}, and a "
                f"version has no place beside them. Pass {str(self.parent / 'NAME')!r}."
            )
        taken = self._named
        if taken is not None and os.path.lexists(taken) and not overwrite:
            raise OutputError(
                f"There is a version {str(taken)!r} already, and a server may be running it. "
                "Leave the number out for the next one, or overwrite it (overwrite=True, "
                "--overwrite)."
            )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.parent.name

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """A folder beside the version to write to; it becomes the version when the block ends.

        Its name is no number, so no server takes it for a version. After an exception nothing
        is left behind; a kill leaves a hidden folder `.tfxai-...`.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            self.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=".tfxai-", dir=self.parent))
        except OSError as error:
            raise _refused(self.parent, error) from error
        try:
            yield beside
            _open_up(beside)
            self.path = self._put(beside)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise _refused(self.parent, error) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _put(self, beside: Path) -> Path:
        """Gives the folder its number."""
        if self._named is not None:
            return self._replace(beside, self._named)
        for _ in range(_TRIES):  # another export may take the number first
            path = self.parent / str(max(versions(self.parent), default=0) + 1)
            try:
                return beside.rename(path)
            except OSError:
                if not path.exists():
                    raise
        raise OutputError(f"No number is free in {str(self.parent)!r}. Pass one.")

    def _replace(self, beside: Path, path: Path) -> Path:
        """Puts the folder there; for the moment between two renames there is no version."""
        if not self._overwrite or not os.path.lexists(path):
            return beside.rename(path)
        aside = Path(tempfile.mkdtemp(prefix=".tfxai-", dir=self.parent))
        path.rename(aside / "old")
        try:
            return beside.rename(path)
        except OSError:
            (aside / "old").rename(path)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def versions(folder: Path) -> list[int]:
    """The versions in BASE/NAME, sorted."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(int(one.name) for one in found if _is_number(one.name))


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _open_up(folder: Path) -> None:
    """Gives the folder the mode of an ordinary new one: a server runs as another user."""
    mask = os.umask(0)
    os.umask(mask)
    folder.chmod(0o777 & ~mask)


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot write to {str(path)!r}: {error.strerror or error}. "
        "Choose a folder that you may write to."
    )
