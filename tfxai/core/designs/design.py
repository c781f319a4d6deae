"""What a perturbation design is: how many variants, what shows in each, what scores become."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tfxai.core.options import Declared

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True)
class Rows:
    """What variants are made of.

    Args:
        x: (R, ...) inputs, channels last.
        mask: (R, h, w) the feature of each pixel where each row has its own, or None.
        xp: What they are arrays of.
    """

    x: Any
    mask: Any
    xp: Arithmetic


class Design(abc.ABC):
    """The variants of an input, in which a part of it shows and a baseline hides the rest."""

    @property
    @abc.abstractmethod
    def most(self) -> int:
        """Most variants that there may be, known before anything is drawn."""

    @property
    def count(self) -> int:
        """K, the number of variants."""
        return self.most

    @property
    def size(self) -> int:
        """Numbers of the largest table that it needs, known before it is made."""
        return 0

    @abc.abstractmethod
    def shown(self, k: Any, rows: Rows) -> Any:
        """What shows in the variant of number k of each row: bool, or shares in [0, 1].

        Args:
            k: (R,), from 0 to K - 1.
            rows: R of them.

        Returns:
            An array that broadcasts to the shape of `rows.x`.
        """

    @abc.abstractmethod
    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """What the scores become.

        Args:
            scores: (B, K) of the variants.
            score: (B,) of the inputs.
            baseline_score: (B,) of the baselines.
            rows: The B inputs.

        Returns:
            (B, ...) shaped like the inputs, or maps over their positions.
        """


class Options(Declared, abc.ABC):
    """The options of a perturbation method, from which its designs follow.

    The method in `methods.perturbation` inherits them; a server that has predictions alone takes
    them as they are.
    """

    name: ClassVar[str]
    is_map: ClassVar[bool] = False
    completes: ClassVar[bool] = False
    is_nonnegative: ClassVar[bool] = False

    def for_inputs(self, parts: Sequence[Part], at: str | None = None) -> Self:
        """The options with what they take from the inputs filled in.

        Args:
            parts: What is explained, input by input.
            at: Path of the layer that is explained instead.
        """
        return self

    @abc.abstractmethod
    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> Design:
        """The design for inputs of a shape.

        Args:
            shape: Shape of one row of x, channels last.
            parts: The inputs of the model that x is made of, or none where x is one input.
            is_lenient: Whether x is one of several inputs that share the options.

        Raises:
            InvalidInputError: The options do not fit.
        """
