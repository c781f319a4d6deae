"""Occlusion: one window after the other is covered."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tfxai.arrangement import moved_shape
from tfxai.core.designs.design import Design, Options, Rows
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, option
from tfxai.core.windows.windows import REDUCTIONS, Windows, sides_and_strides, swept

if TYPE_CHECKING:
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class OcclusionOptions(Options):
    """The options of `tfxai.Occlusion`, which says what they are."""

    name: ClassVar[str] = "occlusion"
    is_map: ClassVar[bool] = True
    window: int | tuple[int, ...] | None = option(None, kind=COUNTS)
    stride: int | tuple[int, ...] | None = option(None, kind=COUNTS)
    baseline: Any = option(None, kind=BASELINE)
    reduce: str = option("mean", choices=REDUCTIONS, noun="reduction")

    def for_inputs(self, parts: Sequence[Part], at: str | None = None) -> Self:
        """With the window and stride that it takes from the only input of known sides."""
        is_given = self.window is not None and self.stride is not None
        if is_given or at is not None or len(parts) != 1:
            return self
        shape = moved_shape(parts[0].shape, parts[0].axes)
        known = [side for side in shape if side is not None]
        if len(known) != len(shape):
            return self
        sides, strides = sides_and_strides(swept(known), self.window, self.stride)
        return dataclasses.replace(
            self, window=self.window or sides, stride=self.stride or strides
        )

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> CoveredWindows:
        """A variant for each window."""
        windows = Windows.over(shape, self.window, self.stride, is_lenient=is_lenient)
        return CoveredWindows(windows, self.reduce, len(shape) - len(windows.axes))


@dataclasses.dataclass(frozen=True)
class CoveredWindows(Design):
    """Each window in turn is covered, and all else shows.

    Args:
        windows: Over the positions of the input.
        reduce: Reduction of the drops of the windows that cover a position.
        channels: Number of the axes behind the positions.
    """

    windows: Windows
    reduce: str
    channels: int

    @property
    def most(self) -> int:
        """The number of windows."""
        return math.prod(self.windows.counts)

    def shown(self, k: Any, rows: Rows) -> Any:
        """All but a window."""
        sides = [*self.windows.axes, *[1] * self.channels]
        return rows.xp.reshape(~self.windows.covered(k, rows.xp), [-1, *sides])

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """What the score loses, spread over the windows."""
        counts = self.windows.counts
        score = rows.xp.reshape(score, [-1] + [1] * len(counts))
        drops = score - rows.xp.reshape(scores, [-1, *counts])
        return self.windows.spread(drops, self.reduce, rows.xp)
