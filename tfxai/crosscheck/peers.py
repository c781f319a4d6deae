"""The peers, and how all of them are checked."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

from tfxai.crosscheck import with_alibi, with_tf_explain
from tfxai.crosscheck.checking import Case, Result, check
from tfxai.crosscheck.setting import Setting
from tfxai.errors import MissingExtraError
from tfxai.methods import names


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library that explains Keras models too.

    Args:
        package: Its name on PyPI.
        module: The module that holds its methods.
        cases: Function that makes the cases from that module and a setting.
    """

    package: str
    module: str
    cases: Callable[[Any, Setting], list[Case]]

    def load(self) -> Any:
        """Its module.

        Raises:
            MissingExtraError: It is not installed, or cannot be imported.
        """
        how = "Run: make crosscheck, or install it with: pip install 'tfxai[peers]'"
        package = self.module.partition(".")[0]
        try:
            importlib.import_module(package)
            return importlib.import_module(self.module)
        except Exception as error:  # with NumPy 2, alibi's own imports raise anything
            if isinstance(error, ModuleNotFoundError) and error.name == package:
                missing = f"{self.package} is not installed, and this needs it. {how}"
                raise MissingExtraError(missing) from None
            reason = str(error).strip().partition("\n")[0]
            raise MissingExtraError(
                f"{self.package} cannot be imported here ({type(error).__name__}: {reason}). {how}"
            ) from error

    @property
    def version(self) -> str:
        """The installed version, "unknown" where its files do not say."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return "unknown"


PEERS = (
    Peer("alibi", "alibi.explainers", with_alibi.cases),
    Peer("tf-explain", "tf_explain.core", with_tf_explain.cases),
)


def require_peers() -> None:
    """Raises `MissingExtraError` unless every peer can be imported."""
    for peer in PEERS:
        peer.load()


def versions() -> dict[str, str]:
    """The installed version of each peer, by its name."""
    return {peer.package: peer.version for peer in PEERS}


def crosscheck(setting: Setting, rounds: int = 9) -> Iterator[Result]:
    """Compares every method of every peer with tfxai's, one after the other.

    Args:
        setting: Model, image and class to explain.
        rounds: How often each side is timed; 0 for not at all.

    Raises:
        MissingExtraError: A peer cannot be imported.
    """
    for peer, module in [(peer, peer.load()) for peer in PEERS]:
        for case in peer.cases(module, setting):
            yield check(case, rounds, tuple(names()))
