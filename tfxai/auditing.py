"""Shortcuts, found by intervention: does what stands in a region move the answer by itself?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import ndimage

from tfxai.arrays import Array
from tfxai.class_outputs import ClassOutputs, class_outputs, read_classes
from tfxai.core.graph.imputation import imputed
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.methods import AttributionMethod, create
from tfxai.metrics.statistics import Difference, corrected, paired
from tfxai.regions import Mask, Patch, Region
from tfxai.reprs import facts_html, rows_html
from tfxai.subject import Subject

LEAST = 0.1
"""Mean change of a probability from which on a region is said to be used."""
_LEVEL = 0.05
_ROWS = 256
_MANY = 100  # images of which it says something that nothing was seen
_HOT = 0.05  # share of the positions that are the hottest of a class
_CANDIDATES = 3  # of a class
_FEW = 6  # sentences that a notebook shows


@dataclasses.dataclass(frozen=True)
class Effect:
    """What becomes of one class, or of one group of images.

    Args:
        region: What was changed.
        test: `"pulled"`: towards the class, by the region alone; `"taken out"`: of images of the
            class, or the group, without the region.
        who: The class, or the group.
        change: Of the probability with the control taken off; chances are corrected
            for how many are looked at together. Where a region is exchanged it counts the images
            that give it, or those that take it, whichever leave the mean less certain.
        share: Mean share of the attribution that lies in the region, a pointer only; NaN where
            no method was named.
    """

    region: str
    test: str
    who: str
    change: Difference
    share: float = math.nan


@dataclasses.dataclass(frozen=True)
class Audit:
    """What an audit found; `tfxai.audit` makes it.

    Args:
        effects: One for each region, test, and class or group.
        count: Images that were looked at.
        least: Change from which on a region is said to be used.
        left_out: Classes of which there was one image, so that nothing could be exchanged.
    """

    effects: tuple[Effect, ...]
    count: int
    least: float
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Audit({len(self.used)} of {len(self.effects)} effects, {self.count} images)"

    def _repr_html_(self) -> str:
        """What was found in words, and a line for each effect, those that are used first."""
        said = self.sentences()
        facts = [("Found", one) for one in said[:_FEW]]
        if len(said) > _FEW:
            facts.append(("", f"{len(said) - _FEW:,} more in sentences()"))
        rows = [
            [
                one.region,
                one.test + (" *" if one in self.used else ""),
                one.who,
                f"{one.change.mean:+.1%}",
                f"{one.change.low:+.1%} to {one.change.high:+.1%}" if one.change.count > 1 else "",
                f"{one.change.adjusted:.2g}" if one.change.count > 1 else "",
                str(one.change.count),
                *([] if math.isnan(one.share) else [f"{one.share:.0%}"]),
            ]
            for one in sorted(self.effects, key=lambda one: one not in self.used)
        ]
        headings = ["Region", "Test (* used)", "Class or group", "Change", "95 %", "p", "Images"]
        if any(not math.isnan(one.share) for one in self.effects):
            headings.append("Map inside")
        return facts_html(repr(self), facts) + rows_html(headings, rows)

    @property
    def used(self) -> tuple[Effect, ...]:
        """The pulls that are certain at 5 % after correction, and large enough."""
        return tuple(
            one
            for one in self.effects
            if one.test == "pulled"
            and one.change.adjusted <= _LEVEL
            and abs(one.change.mean) >= self.least
        )

    def sentences(self) -> list[str]:
        """What was found, in words."""
        found = []
        for one in self.used:
            way = "towards" if one.change.mean > 0 else "away from"
            found.append(
                f"The model uses {one.region}: it alone moves answers {way} {one.who}, by "
                f"{abs(one.change.mean):.1%} on average (95 % from {one.change.low:+.1%} to "
                f"{one.change.high:+.1%})."
            )
        if not self.effects:
            found.append("No region was looked at: the maps concentrate nowhere.")
        if self.left_out:
            names = ", ".join(self.left_out)
            found.append(f"Left out, for there is one image of each: {names}.")
        regions = dict.fromkeys(one.region for one in self.effects)
        for region in regions:
            if not any(one.region == region for one in self.used):
                few = "" if self.count >= _MANY else ", too few to rule it out"
                found.append(
                    f"No use of {region} was seen: it alone moves no class by {self.least:.0%} "
                    f"or more beyond doubt, on {self.count} images{few}."
                )
        return found

    def rows(self) -> list[dict[str, Any]]:
        """One record for each effect, as JSON and CSV take it."""
        return [
            {
                "region": one.region,
                "test": one.test,
                "who": one.who,
                "change": _number(one.change.mean),
                "low": _number(one.change.low),
                "high": _number(one.change.high),
                "p": one.change.adjusted,
                "count": one.change.count,
                "attribution_share": _number(one.share),
                "is_used": one in self.used,
            }
            for one in self.effects
        ]


def audit(  # noqa: PLR0913 - the words of the command line
    model: Any,
    images: Any,
    region: Region | None = None,
    *,
    labels: Any = None,
    groups: Sequence[str] | None = None,
    method: AttributionMethod | str | None = None,
    least: float = LEAST,
    seed: int = 0,
) -> Audit:
    """Looks for a shortcut by intervention: a region is put in, exchanged and taken out.

    A patch is put into every image, and as a control the same patch with its pixels in another
    order: what differs is what its pattern does. Any other region is exchanged for that of images
    of another class, and as a control for that of images of the same class: what differs is what
    the region says by itself. Where that moves a class beyond doubt, the model uses the region.
    What the region's absence does (filled in from its neighbours) is told for each class and
    group, but is no proof: what lies there may belong to the class.

    Args:
        model: A classifier, as for a method.
        images: (B, H, W, C), pixels (uint8) or as the model takes them.
        region: `tfxai.regions.Patch`, `Border` or `Mask`. None proposes regions where the mean
            maps of a class concentrate, on the one half of the images, and tests them on the
            other.
        labels: (B,) the class of each image; None takes the predicted one.
        groups: (B,) the group of each image, for which effects are told too.
        method: A method, or its name, whose share in the region is told beside, as a pointer only:
            attributions miss unknown shortcuts and accuse innocent regions. Without a region it
            proposes them; None is then `"integrated_gradients"`.
        least: Change of a probability, in (0, 1), from which on a region is said to be used.
        seed: Seed of what is drawn.

    Returns:
        `Audit`.

    Raises:
        InvalidInputError: The images are no batch of at least 8, show one class only, or do not
            fit the region, the labels or the groups.
        UnsupportedModelError: The outputs are not known to be probabilities.

    Reference:
        Adebayo, Muelly, Abelson, Kim, "Post hoc Explanations may be Ineffective for Detecting
        Unknown Spurious Correlation", ICLR 2022, arXiv:2212.04629, on why maps are no test.
    """
    subject, pixels = Subject.of(model), np.asarray(images)
    if pixels.ndim != 4 or len(pixels) < 8:
        raise InvalidInputError(
            f"The images have shape {pixels.shape}, and at least 8 of (H, W, C) were expected."
        )
    if not 0 < least < 1:
        raise InvalidInputError(f"least={least!r} was expected to lie between 0 and 1.")
    answers = _answers(subject, pixels)
    before = answers.values
    own = before.argmax(axis=1) if labels is None else read_classes(labels, before)
    of_groups = None if groups is None else np.asarray(groups, str)
    if of_groups is not None and of_groups.shape != own.shape:
        raise InvalidInputError(f"{len(of_groups)} groups came with {len(own)} images.")
    drawn = np.random.default_rng(seed)
    work = _Work(subject, pixels, before, answers.names, own, of_groups, drawn, seed)
    if region is not None:
        maps = None if method is None else _heats(work, _method(method))
        effects = _effects(work, region, maps)
    else:
        maps = _heats(work, _method(method or "integrated_gradients"))
        first, second = work.halves()
        effects = []
        for candidate in _candidates(work, maps, first):
            effects += _effects(work.of(second), candidate, maps[second])
        work = work.of(second)
    few = () if isinstance(region, Patch) else work.classes_of_one()
    return Audit(tuple(_corrected(effects)), len(work.pixels), least, few)


@dataclasses.dataclass(frozen=True, eq=False)
class _Work:
    """The images, and what the model says of them."""

    subject: Subject
    pixels: Array
    before: Array
    names: tuple[str, ...] | None
    own: Array
    groups: Array | None
    drawn: np.random.Generator
    seed: int

    def answers(self, pixels: Array) -> Array:
        return _answers(self.subject, pixels).values

    def halves(self) -> tuple[Array, Array]:
        """The numbers of the images in two parts at random."""
        order = self.drawn.permutation(len(self.pixels))
        middle = len(order) // 2
        return order[:middle], order[middle:]

    def classes_of_one(self) -> tuple[str, ...]:
        """The classes of which there is one image, for which there is nothing to exchange."""
        classes, counts = np.unique(self.own, return_counts=True)
        return tuple(self.name(int(k)) for k in classes[counts < 2])

    def of(self, rows: Array) -> _Work:
        """Some of the images."""
        groups = None if self.groups is None else self.groups[rows]
        return dataclasses.replace(
            self,
            pixels=self.pixels[rows],
            before=self.before[rows],
            own=self.own[rows],
            groups=groups,
        )

    def name(self, index: int) -> str:
        return str(self.names[index]) if self.names else f"class {index}"


def _effects(work: _Work, region: Region, maps: Array | None) -> list[Effect]:
    """All effects of one region; `maps` are those whose share in it is told."""
    places = region.places(work.pixels)
    found = (
        _put_in(work, region) if isinstance(region, Patch) else _exchanged(work, region, places)
    )
    without = work.answers(_filled(work.pixels, places))
    shares = None if maps is None else _shares(maps, places)
    rows = np.arange(len(work.own))
    gains = (without - work.before)[rows, work.own]
    parts: list[tuple[str, Array]] = [(work.name(k), work.own == k) for k in np.unique(work.own)]
    if work.groups is not None:
        parts += [(f"group {name}", work.groups == name) for name in np.unique(work.groups)]
    for who, is_in in parts:
        change = paired(gains[is_in], np.zeros(is_in.sum()), higher_is_better=True, seed=work.seed)
        share = float(shares[is_in].mean()) if shares is not None else math.nan
        found.append(Effect(region.title, "taken out", who, change, share))
    return found


def _put_in(work: _Work, patch: Patch) -> list[Effect]:
    """What the pattern of a patch does to each class, beyond its colours."""
    count = int(np.prod(np.shape(patch.pixels)[:2]))
    with_it = work.answers(patch.put_into(work.pixels))
    shuffled = np.mean(
        [
            work.answers(patch.put_into(work.pixels, work.drawn.permutation(count)))
            for _ in range(3)
        ],
        axis=0,
    )
    return [
        Effect(
            patch.title,
            "pulled",
            work.name(k),
            paired(with_it[:, k], shuffled[:, k], higher_is_better=True, seed=work.seed),
        )
        for k in range(with_it.shape[1])
    ]


def _exchanged(work: _Work, region: Region, places: Array) -> list[Effect]:
    """What a region from an image of each class does to images of the others."""
    classes = [k for k in np.unique(work.own) if (work.own == k).sum() > 1]
    if len(classes) < 2:
        raise InvalidInputError(
            "The images show one class only, and a region is exchanged between classes. Pass "
            "images of at least two classes, two of each."
        )
    found = []
    for k in classes:
        others = np.flatnonzero((work.own != k) & np.isin(work.own, classes))
        own = np.flatnonzero(work.own == k)
        count = max(len(others), len(own))
        into, donors = (np.resize(work.drawn.permutation(rows), count) for rows in (others, own))
        alike = np.array([_another(work, int(i)) for i in into])
        from_class = work.answers(_with_region(work.pixels, into, donors, places))[:, k]
        from_own = work.answers(_with_region(work.pixels, into, alike, places))[:, k]
        change = _by_image(from_class - from_own, (donors, into), work.seed)
        found.append(Effect(region.title, "pulled", work.name(int(k)), change))
    return found


def _by_image(gains: Array, images: tuple[Array, Array], seed: int) -> Difference:
    """How certain a mean over pairs is, of which each image is in several.

    The mean of each image counts once, first of those that give, then of those that take; the
    less certain of the two is told.

    Args:
        gains: (P,) of each pair.
        images: (P,) numbers of the image that gives, and of that which takes.
        seed: Seed of the resampling.
    """
    found = []
    for numbers in images:
        _, place = np.unique(numbers, return_inverse=True)
        means = np.bincount(place, gains) / np.bincount(place)
        found.append(paired(means, 0 * means, higher_is_better=True, seed=seed))
    return max(found, key=lambda one: one.p)


def _another(work: _Work, i: int) -> int:
    """Another image of the same class."""
    same = np.flatnonzero(work.own == work.own[i])
    return int(work.drawn.choice(same[same != i]))


def _with_region(pixels: Array, rows: Array, donors: Array, places: Array) -> Array:
    """The images in those rows with the donors' pixels in their region."""
    return np.where(places[rows][..., None], pixels[donors], pixels[rows])


def _filled(pixels: Array, places: Array) -> Array:
    """The images with the region filled in from its neighbours."""
    parts = [
        np.asarray(
            imputed(
                tf.constant(np.asarray(pixels[i : i + _ROWS], np.float32)),
                tf.constant(places[i : i + _ROWS]),
            )
        )
        for i in range(0, len(pixels), _ROWS)
    ]
    whole = np.concatenate(parts)
    if pixels.dtype == np.uint8:
        whole = np.round(whole).clip(0, 255)
    return whole.astype(pixels.dtype)


def _candidates(work: _Work, maps: Array, rows: Array) -> list[Mask]:
    """The blobs in which the mean map of a class concentrates in those rows, the hottest first."""
    found, own = list[Mask](), work.own[rows]
    for k in np.unique(own):
        mean = maps[rows][own == k].mean(axis=0)
        hot = (mean >= np.quantile(mean, 1 - _HOT)) & (mean > 0)
        blobs, count = ndimage.label(hot)
        sums = ndimage.sum_labels(mean, blobs, np.arange(1, count + 1)) if count else []
        for number in np.argsort(sums)[::-1][:_CANDIDATES]:
            grown = ndimage.binary_dilation(blobs == number + 1)
            if not grown.all():
                down, across = np.where(grown)
                where = f"rows {down.min()}-{down.max()}, columns {across.min()}-{across.max()}"
                title = f"where the maps of {work.name(int(k))} concentrate ({where})"
                found.append(Mask(grown, called=title))
    return found


def _shares(maps: Array, places: Array) -> Array:
    """(B,) the share of the attribution in the region."""
    total = maps.sum(axis=(1, 2))
    inside = (maps * places).sum(axis=(1, 2))
    return np.where(total > 0, inside / np.where(total > 0, total, 1), 0)


def _heats(work: _Work, method: AttributionMethod) -> Array:
    """(B, H, W) magnitudes of the maps at the size of the images."""
    found = method(work.subject, work.pixels, work.own.tolist(), progress=False)
    return np.abs(np.asarray(found.heatmap(size=work.pixels.shape[1:3])))


def _corrected(effects: Sequence[Effect]) -> list[Effect]:
    """The effects with their chances corrected, those of one test together."""
    found = list(effects)
    for test in ("pulled", "taken out"):
        places = [i for i, one in enumerate(found) if one.test == test]
        for i, change in zip(places, corrected([found[i].change for i in places]), strict=True):
            found[i] = dataclasses.replace(found[i], change=change)
    return found


def _answers(subject: Subject, pixels: Array) -> ClassOutputs:
    """What the model answers, as probabilities.

    Raises:
        UnsupportedModelError: Nobody knows that the outputs are probabilities.
    """
    found = class_outputs(subject, pixels)
    if not found.are_probabilities:
        raise UnsupportedModelError(
            "An audit measures how probabilities change, and the outputs of this model are not "
            "known to be any. Pass a model that ends in a softmax or sigmoid, or in logits with a "
            "card that names the classes."
        )
    return found


def _method(method: AttributionMethod | str) -> AttributionMethod:
    return create(method) if isinstance(method, str) else method


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
