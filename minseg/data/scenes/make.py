"""Synthetic scenes whose truth is known exactly, because it was there before the image.

Things (discs, boxes, …) lie on stuff (sky, ground, water), partly hidden by one another. One label
map with 4×4 samples for each pixel (`layout`) says which segment each sample belongs to, and
everything is read from it:

    coverage_k = samples of segment k / 16          how much of the pixel it takes
    mask_k     = pixels where k has most samples    each pixel belongs to exactly one segment

A tie goes to the thing in front, and to a thing before stuff. Two people who annotate the same
photograph do not draw the same masks (Kirillov et al., Panoptic Segmentation, 2019, section 6,
measures how far they agree); here no outline is drawn by hand, and every error is the model's.
Units 10 and 40 to 72.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from minseg.data.scenes import coins, paint
from minseg.data.scenes.layout import (
    FIRST_THING,
    FREE,
    MOST_THINGS,
    SAMPLES,
    STUFF,
    Thing,
    count_samples,
    lay_coins,
    lay_ground,
    lay_stuff,
    lay_things,
)
from minseg.data.scenes.shapes import COIN, THINGS, whole
from minseg.instances import Instances
from minseg.panoptic import encode

__all__ = ["COIN", "STUFF", "THINGS", "Scene", "make_scene"]

SMALLEST, LARGEST = 32, 1024  # pixels a side


@dataclass(frozen=True, eq=False)
class Scene:
    """An image and its truth. Thing k of `instances` has instance number k + 1 in `panoptic`."""

    image: Tensor  # (3, H, W) float32, RGB in [0, 1]
    instances: Instances  # N things, front to back: a thing is hidden only by those before it
    coverage: Tensor  # (N, H, W) float32, the visible share of each pixel, in sixteenths
    semantic: Tensor  # (H, W) int64, category ids
    panoptic: Tensor  # (H, W) int64, minseg.panoptic.encode's ids


def make_scene(
    seed: int,
    size: int | tuple[int, int] = 128,
    *,
    things: Iterable[str] = ("disc", "box", "triangle"),
    count: tuple[int, int] | None = None,
    style: str = "shapes",
) -> Scene:
    """A scene that depends on its arguments alone; the same seed gives the same bits.

    Args:
        seed: not negative.
        size: pixels, of a square or (height, width); 32 to 1024 a side.
        things: names from `THINGS`. Sizes (the longer side of the box, before hiding) run from 6
            pixels to 60/128 of the shorter side.
        count: fewest and most things; left out, (2, 8), and (8, 30) for coins. Fewer where no room
            is left: every thing shows at least 30 % of itself, hidden or cut by the frame, and
            covers more than half of at least 8 pixels.
        style: "shapes", or "coins": grey, worn discs of category `COIN` on a dark, uneven ground,
            like the photograph `photo("coins")` (size (303, 384)); `things` is not used.

    Returns:
        Scene with instances, semantic and panoptic truth that agree with one another.

    Raises:
        ValueError: if the seed is negative, or size, things, count or style is none of the above.

    Example:
        >>> scene = make_scene(0, 64)
        >>> scene.instances
        Instances(6 of 64×64, labels [1, 3, 1, 3, 2, 1])
        >>> scene.panoptic.unique().tolist()
        [1001, 1003, 1006, 2005, 3002, 3004, 6000, 7000, 8000]
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    height, width = _checked_size(size)
    kinds = _checked_things(things)
    if style not in ("shapes", "coins"):
        raise ValueError(f"style must be 'shapes' or 'coins', got {style!r}")
    fewest, most = _checked_count((8, 30) if count is None and style == "coins" else count)
    # one generator for where things lie, another for how they look
    where, how = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    labels = np.full((SAMPLES, SAMPLES, height, width), FREE, dtype=np.uint8)
    number = whole(where, fewest, most)
    if style == "coins":
        placed = lay_coins(labels, number, where)
        lay_ground(labels)
    else:
        placed = lay_things(labels, kinds, number, where)
        lay_stuff(labels, where)
    # what the samples say of each pixel, and colours to match
    counts = _counts(labels, len(placed))
    shares = counts.astype(np.float32) / np.float32(SAMPLES**2)
    painter = coins.paint_coins if style == "coins" else paint.paint_scene
    image = painter(placed, shares[: len(placed)], shares[len(placed) :], how)
    return _scene(image, counts, shares, placed)


def _counts(labels: np.ndarray, n: int) -> np.ndarray:
    """(N + 3, H, W) uint8: samples of each thing, front to back, then of sky, ground and water."""
    codes = [FIRST_THING + k for k in range(n)] + list(STUFF)
    return np.stack([count_samples(labels == code) for code in codes])


def _owner(counts: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the segment with most samples, the first one where tied (a quick argmax)."""
    most, owner = counts[0].copy(), np.zeros(counts.shape[1:], dtype=np.uint8)
    for k in range(1, len(counts)):
        np.copyto(owner, np.uint8(k), where=counts[k] > most)
        np.maximum(most, counts[k], out=most)
    return owner


def _scene(image: np.ndarray, counts: np.ndarray, shares: np.ndarray, placed: list[Thing]) -> Scene:
    """Read every kind of truth from the counts of samples."""
    n = len(placed)
    owner = _owner(counts)
    categories = np.array([thing.category for thing in placed] + list(STUFF))
    semantic = torch.from_numpy(categories[owner])
    instance = torch.from_numpy(np.where(owner < n, owner + 1, 0))
    masks = torch.from_numpy(owner == np.arange(n, dtype=np.uint8)[:, None, None])
    return Scene(
        image=torch.from_numpy(image),
        instances=Instances(masks, torch.from_numpy(categories[:n])),
        coverage=torch.from_numpy(shares[:n]),
        semantic=semantic,
        panoptic=encode(semantic, instance),
    )


def _checked_size(size: int | tuple[int, int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(SMALLEST <= side <= LARGEST for side in sides):
        raise ValueError(
            f"size must be {SMALLEST} to {LARGEST} pixels a side, a number or (height, width), "
            f"got {size}"
        )
    return sides[0], sides[1]


def _checked_things(things: Iterable[str]) -> dict[int, str]:
    wanted = (things,) if isinstance(things, str) else tuple(things)
    unknown = [name for name in wanted if name not in THINGS.values()]
    if unknown or not wanted:
        names = ", ".join(THINGS.values())
        raise ValueError(f"things must be some of {names}, got {wanted}")
    return {category: name for category, name in THINGS.items() if name in wanted}


def _checked_count(count: tuple[int, int] | None) -> tuple[int, int]:
    fewest, most = (2, 8) if count is None else count
    if not 0 <= fewest <= most <= MOST_THINGS:
        raise ValueError(
            f"count must be (fewest, most) with 0 ≤ fewest ≤ most ≤ {MOST_THINGS}, got {count}"
        )
    return fewest, most
