"""The versions in a folder: watched, loaded beside the running one, and swapped."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tfxai.errors import DataNotFoundError
from tfxai.serving.messages.problems import RequestError, unavailable
from tfxai.serving.models.disk import (
    lacks,
    seconds_at_rest,
    stamp_of,
    versions_in,
    was_moved_here,
)
from tfxai.serving.models.model import Deadline, Model, Models, State, Which, not_found
from tfxai.serving.models.version import Local, Running, Version, loaded_from

_LOG = logging.getLogger("tfxai.serving")
_LOADING = "The models are being loaded."
_LOADERS = 4  # versions that are loaded at a time
_LOOKS = 10  # in which files come to rest, or no longer keep others from being served


class VersionFolder(Models):
    """The models in a folder: BASE/NAME/VERSION, or one model where BASE/VERSION is there.

    The greatest `keep` versions that load are served, and those with a label. A new one is loaded
    beside them, warmed up, and only then takes over; requests that have begun end with the
    version they began with. A folder that is still being written is waited for: its files have to
    be at rest, or the folder renamed after they were written, and all of them there where an
    export brings a list. When
    files change, a version is loaded anew, and what was loaded before goes on until the new one
    answers. Models are loaded side by side.

    Args:
        base: The folder.
        keep: Versions of a model that are served at a time.
        labels: Model name to label to version.
        poll_seconds: Between two looks at the folder.
        trust: Load versions whatever a scan finds in them.
        load: Makes the graphs of a version from its folder.
        changed: Called after versions were loaded or unloaded.

    Raises:
        DataNotFoundError: There is no such folder.
    """

    def __init__(
        self,
        base: Path,
        *,
        keep: int = 1,
        labels: Mapping[str, Mapping[str, int]] | None = None,
        poll_seconds: float = 1.0,
        trust: bool = False,
        load: Callable[[Path], Any] | None = None,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self._base = Path(os.path.abspath(base))  # noqa: PTH100 - "." has no name otherwise
        if not self._base.is_dir():
            raise DataNotFoundError(
                f"There is no folder {str(base)!r}. Pass the one that holds NAME/VERSION, as "
                "`tfxai export` writes them."
            )
        self._keep = keep
        self._labels = labels or {}
        self._poll_seconds = poll_seconds
        self._load = load or functools.partial(loaded_from, trust=trust)
        self._changed = changed
        self._has_changed = False
        self._told: set[str] = set()
        self._failed: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self._ended: list[tuple[Path, Any]] = []  # of which the memory is to be given back
        self._models: dict[str, dict[int, Version]] = {}
        self._looked = threading.Event()
        self._stopped = threading.Event()
        self._stirred = threading.Event()
        self._loaders = concurrent.futures.ThreadPoolExecutor(_LOADERS, "tfxai loads")
        self._thread = threading.Thread(target=self._watch, name="tfxai versions", daemon=True)

    def start(self) -> None:
        """Begins to load what is there."""
        self._thread.start()

    def close(self) -> None:
        """Ends the watch."""
        self._stopped.set()
        self._stirred.set()
        self._loaders.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        with self._ending(), self._lock:
            for one in (one for known in self._models.values() for one in known.values()):
                self._unload(one)

    def names(self) -> list[str]:
        """The models of which a version is loaded."""
        with self._lock:
            return sorted(
                name
                for name, known in self._models.items()
                if any(one.running is not None for one in known.values())
            )

    def waits_for(self) -> str | None:
        """Until all that was there at the start is loaded, and as long as nothing is.

        A model that is loaded answers before that.
        """
        if not self._looked.is_set():
            return _LOADING
        with self._lock:
            versions = [one for known in self._models.values() for one in known.values()]
        if any(one.running is not None for one in versions):
            return None
        return "No version of any model could be loaded." if versions else "There is no model."

    def own_states(self) -> dict[str, list[State]]:
        """The versions of each model that are or were to be served."""
        with self._lock:
            return {
                name: [one.state for one in known.values()] for name, known in self._models.items()
            }

    def failed_loads(self) -> dict[str, int]:
        """How often a version of each model could not be loaded."""
        with self._lock:
            return dict(self._failed)

    def states(self, which: Which, deadline: Deadline) -> list[State]:
        """The versions of a model that are or were to be served, the newest first."""
        with self._lock:
            known = dict(self._models.get(which.name, {}))
        if which.label is not None:
            number = self._labels.get(which.name, {}).get(which.label)
            if number not in known:
                raise not_found(which)
            which = Which(which.name, number)
        found = [one.state for number, one in sorted(known.items(), reverse=True)]
        if which.version is not None:
            found = [one for one in found if one.version == which.version]
        if not found and not self._looked.is_set():
            raise unavailable(_LOADING)
        if not found:
            raise RequestError(
                404,
                f"Could not find version {which.version} of model {which.name}"
                if which.version is not None
                else f"Could not find any versions of model {which.name}",
            )
        return found

    @contextlib.contextmanager
    def model(self, which: Which, deadline: Deadline) -> Iterator[Model]:
        """A version that is loaded; it stays so inside the block."""
        with self._lock:
            known = self._models.get(which.name, {})
            number = which.version
            if which.label is not None:
                number = self._labels.get(which.name, {}).get(which.label, -1)
            elif number is None:
                ready = [n for n, one in known.items() if one.state.state == "AVAILABLE"]
                number = max(ready, default=-1)
            found = known.get(number)
            if found is None or found.running is None or found.state.state != "AVAILABLE":
                raise not_found(which) if self._looked.is_set() else unavailable(_LOADING)
            running = found.running
            running.users += 1
        try:
            yield Local(which, number, running.loaded)
        finally:
            with self._ending(), self._lock:
                running.users -= 1
                self._end(found, running)

    def _unload(self, version: Version) -> None:
        """Lets a version end, after the requests that use it; called with the lock held."""
        if version.running is not None:
            version.state = State(version.state.version, "UNLOADING")
            self._end(version, version.running)

    def _end(self, version: Version, running: Running) -> None:
        """Has a version end when nobody uses it any more; called with the lock held."""
        is_last = version.running is running
        if running.users or (is_last and version.state.state != "UNLOADING"):
            return
        self._ended.append((version.path, running.loaded))
        if is_last:
            version.running = version.tried = None  # it may have to come back
            version.state = State(version.state.version, "END")

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """Gives the memory of what ends inside back, when the lock is free again."""
        try:
            yield
        finally:
            while self._ended:
                with contextlib.suppress(IndexError):  # another thread was quicker
                    path, loaded = self._ended.pop()
                    self._close(path, loaded)
                    del loaded

    def _close(self, path: Path, loaded: Any) -> None:
        """Gives memory back; whatever comes of that, requests and looks go on."""
        try:
            loaded.close()
        except Exception:
            _LOG.exception("not closed", extra={"path": str(path)})
        self._has_changed = True
        _LOG.info("unloaded", extra={"path": str(path)})

    def _watch(self) -> None:
        is_first = True
        while not self._stopped.is_set():
            is_coming = False
            try:
                is_coming = self._look()
                if self._has_changed and self._changed is not None:
                    self._has_changed = False
                    self._changed()
            except OSError as error:  # a disk that is gone for a while may come back
                _LOG.warning("The folder of the models cannot be read: %s", error.strerror)
            except Exception:
                _LOG.exception("The folder of the models could not be looked at.")
            if not any(self._models.values()):
                self._tell(
                    f"There is no model in {self._base} yet: NAME/VERSION/saved_model.pb, as "
                    "`tfxai export` writes it, is waited for."
                )
            for name, labels in self._labels.items():
                for label, number in labels.items():
                    if number not in self._models.get(name, {}):
                        self._tell(f"There is no version {number} of {name} yet, for {label!r}.")
            is_first = is_first and is_coming
            if not is_first:
                self._looked.set()
            self._stirred.wait(self._poll_seconds)
            self._stirred.clear()

    def _tell(self, what: str) -> None:
        """Warns of it once."""
        if what not in self._told:
            self._told.add(what)
            _LOG.warning(what)

    def _look(self) -> bool:
        """Looks at all models; whether one is being loaded or waited for."""
        is_coming = False
        for name, folder in self._folders().items():
            try:
                is_coming |= self._look_at(name, versions_in(folder))
            except OSError as error:  # of one model, which is no reason to pass over the others
                self._tell(f"{folder} cannot be read: {error.strerror}")
        return is_coming

    def _folders(self) -> dict[str, Path]:
        """The folder of each model, and of those that are gone."""
        own = versions_in(self._base)
        found = {
            one.name: one
            for one in self._base.iterdir()
            if one.is_dir() and not one.name.startswith(".") and one not in own.values()
        }
        if own:
            if not any(map(versions_in, found.values())):
                return {self._base.name: self._base}
            self._tell(
                f"{self._base} holds folders of models, so its own versions are not served: "
                f"{', '.join(map(str, own))}. Move them into a folder NAME."
            )
        return found | {name: self._base / name for name in self._models if name not in found}

    def _look_at(self, name: str, paths: dict[int, Path]) -> bool:
        """Looks at a model; whether a version is being loaded or waited for."""
        with self._lock:
            known = self._models.setdefault(name, {})
        labelled = set(self._labels.get(name, {}).values())
        served: list[int] = []
        coming: list[int] = []
        for number in sorted(paths, reverse=True):
            if len(served) < self._keep or number in labelled:
                may_load = len(served) + len(coming) < self._keep or number in labelled
                if not may_load and number not in known:
                    continue
                version, is_coming = self._considered(known, number, paths[number], may_load)
                if version.running is not None and version.state.state == "AVAILABLE":
                    served.append(number)
                elif is_coming:
                    coming.append(number)
        with self._ending(), self._lock:
            if served:  # never without an answer because the folder is gone for a while
                for number, one in known.items():
                    if number not in served + coming and not one.is_loading:
                        self._unload(one)
                gone = [n for n, one in known.items() if n not in paths and not one.running]
                for number in gone:
                    del known[number]
        return bool(coming)

    def _considered(
        self, known: dict[int, Version], number: int, path: Path, may_load: bool
    ) -> tuple[Version, bool]:
        """A version, which begins to be loaded where its folder is whole and was not loaded yet.

        The second is whether it is being loaded, or its files have to come to rest.
        """
        version, stamp = known.get(number), stamp_of(path)
        is_new = version is None or version.state.state == "UNLOADING"
        if version is None or is_new:
            version = Version(path, stamp, State(number, "START"))
            with self._lock:
                known[number] = version
        has_rested = not is_new and stamp == version.stamp
        version.stamp = stamp
        if version.is_loading:
            return version, True
        if stamp == version.tried or not may_load:
            return version, False
        lacking = lacks(path)
        if lacking:
            self._tell(f"{path} is waited for: it has not all of its files yet. {lacking}")
            if version.running is None:
                version.state = State(number, "START", message=lacking)
            return version, False
        rests = has_rested or seconds_at_rest(stamp) >= 2 * self._poll_seconds
        rests = rests or was_moved_here(path, stamp)
        if not rests and self._looked.is_set():  # at the start it is loaded, and anew if it grows
            version.looks += 1
            return version, version.looks < _LOOKS
        version.is_loading, version.tried = True, stamp
        if self._thread.is_alive():
            self._loaders.submit(self._loads, known, version, number)
        else:  # a look of its own, without the watch
            self._loads(known, version, number)
        return version, version.is_loading

    def _loads(self, known: dict[int, Version], version: Version, number: int) -> None:
        """Loads a version, which takes over when it has answered what warms it up."""
        about = {"path": str(version.path)}
        with self._lock:
            if version.running is None:
                version.state = State(number, "LOADING")
        try:
            loaded = self._load(version.path)
        except Exception as error:  # whatever a damaged folder leads to, the others go on
            why = str(error) or type(error).__name__
            _LOG.warning("not loaded: %s", why, extra=about)
            with self._lock:
                version.is_loading = False
                self._failed[version.path.parent.name] += 1
                if version.running is None:
                    version.state = State(number, "END", "FAILED_PRECONDITION", why)
            self._stirred.set()
            return
        with self._ending(), self._lock:
            version.is_loading = False
            if self._stopped.is_set() or known.get(number) is not version:
                self._ended.append((version.path, loaded))
                return
            before, version.running = version.running, Running(loaded)
            version.state = State(number, "AVAILABLE")
            self._has_changed = True
            if before is not None:
                self._end(version, before)
        _LOG.info("loaded", extra=about)
        self._stirred.set()
