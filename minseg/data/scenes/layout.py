"""Where everything in a scene lies: one label map, from which all kinds of truth are read.

Every pixel carries 4×4 sample points at its eighths (1/8, 3/8, 5/8, 7/8), and every sample belongs
to one segment. The map holds a number for each: a stuff category, or `FIRST_THING` + k for thing k.
Its shape (4, 4, H, W) keeps the samples of one pixel apart, so that the share of a pixel that a
segment covers is a mean over the first two axes.

Things are laid from front to back: each takes only samples that are still free, so nothing placed
later can hide it, and how much of it is seen is known at once. One that would show too little is
tried elsewhere. Stuff takes what is left: sky, ground and water, parted by wavy lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np

from minseg.data.scenes.shapes import COIN, Shape, direction, make_shape, uniform, whole

STUFF = {6: "sky", 7: "ground", 8: "water"}  # category ids of what is not counted
FREE, FIRST_THING, MOST_THINGS = 0, 10, 200
SAMPLES = 4  # a side of a pixel

MIN_VISIBLE_PIXELS = 8  # pixels of which a thing covers more than half
MIN_VISIBLE_SHARE = 0.3  # of its own samples, those beyond the frame counted as hidden
TRIES = 30


@dataclass(frozen=True)
class Thing:
    """A shape that found its place: its centre (x, y) and its size, in pixels."""

    category: int
    shape: Shape
    x: float
    y: float
    size: float


def window(thing: Thing, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of the image that a thing may touch."""
    (rx, ry), x, y = thing.shape.reach, thing.x, thing.y
    rows = slice(max(floor(y - ry), 0), min(ceil(y + ry), height))
    columns = slice(max(floor(x - rx), 0), min(ceil(x + rx), width))
    return rows, columns


def samples(start: int, stop: int) -> np.ndarray:
    """(4, stop - start) coordinates of the samples of pixels start … stop - 1 along one axis.

    Example:
        >>> samples(0, 2).T.tolist()
        [[0.125, 0.375, 0.625, 0.875], [1.125, 1.375, 1.625, 1.875]]
    """
    offsets = (np.arange(SAMPLES) + 0.5) / SAMPLES
    return offsets[:, None] + np.arange(start, stop)


def put(labels: np.ndarray, thing: Thing, code: int, *, share: float = MIN_VISIBLE_SHARE) -> bool:
    """Give a thing the free samples it covers, unless too little of it would be seen.

    Returns:
        whether it was placed; if not, `labels` (4, 4, H, W) is as before.
    """
    (rx, ry), x, y = thing.shape.reach, thing.x, thing.y
    top, left = floor(y - ry), floor(x - rx)
    ys, xs = samples(top, ceil(y + ry)) - y, samples(left, ceil(x + rx)) - x
    covered = thing.shape.covers(xs[None, :, None, :], ys[:, None, :, None])  # (4, 4, h, w)
    rows, columns = window(thing, *labels.shape[2:])
    view = labels[:, :, rows, columns]
    inside = covered[:, :, rows.start - top : rows.stop - top, columns.start - left :]
    seen = inside[..., : view.shape[3]] & (view == FREE)
    if np.count_nonzero(seen) < share * np.count_nonzero(covered):
        return False
    if (count_samples(seen) > SAMPLES**2 // 2).sum() < MIN_VISIBLE_PIXELS:
        return False
    np.copyto(view, np.uint8(code), where=seen)
    return True


def count_samples(chosen: np.ndarray) -> np.ndarray:
    """(H, W) uint8: how many of the 16 samples of each pixel are chosen, of (4, 4, H, W) bool."""
    return chosen.view(np.uint8).sum(axis=(0, 1), dtype=np.uint8)


def lay_things(
    labels: np.ndarray, kinds: dict[int, str], number: int, rng: np.random.Generator
) -> list[Thing]:
    """Place up to `number` things, front to back; fewer only where there is no room left.

    Sizes run from 6 pixels to 60/128 of the shorter side of the image, small ones more often.
    About half of them are set beside an earlier thing, where they touch it or are partly hidden.
    """
    placed: list[Thing] = []
    categories = list(kinds)
    for _ in range(number):
        category = categories[whole(rng, 0, len(categories) - 1)]
        largest = min(labels.shape[2:]) * 60 / 128
        for _ in range(TRIES):
            size = 6 + (largest - 6) * uniform(rng, 0, 1) ** 2
            x, y = _place(labels, size, placed, rng)
            thing = Thing(category, make_shape(kinds[category], size, rng), x, y, size)
            if put(labels, thing, FIRST_THING + len(placed)):
                placed.append(thing)
                break
            largest = max(0.9 * largest, 6.0)  # a smaller one fits more easily
    return placed


def _place(
    labels: np.ndarray, size: float, placed: list[Thing], rng: np.random.Generator
) -> tuple[float, float]:
    height, width = labels.shape[2:]
    if placed and rng.random() < 0.5:
        other = placed[whole(rng, 0, len(placed) - 1)]
        dx, dy = direction(rng)
        distance = uniform(rng, 0.4, 1.0) * (size + other.size) / 2
        x, y = other.x + dx * distance, other.y + dy * distance
        if 0 <= x < width and 0 <= y < height:
            return x, y
    return uniform(rng, 0, width), uniform(rng, 0, height)


def lay_coins(labels: np.ndarray, number: int, rng: np.random.Generator) -> list[Thing]:
    """Place up to `number` coins side by side, in loose rows or scattered; few hide another."""
    height, width = labels.shape[2:]
    smallest = max(uniform(rng, 0.08, 0.17) * min(height, width), 6.0)
    largest = smallest * uniform(rng, 1.1, 2.2)
    piled = 0.5 if rng.random() < 0.25 else 0.999  # what a coin must show of itself
    in_rows = rng.random() < 0.6
    spots = _rows(height, width, number, rng) if in_rows else []
    placed: list[Thing] = []
    for k in range(number * 6):
        x, y = uniform(rng, 0, width), uniform(rng, 0, height)
        if k < len(spots):
            x, y = spots[k]
        if labels[0, 0, int(y), int(x)] != FREE:
            continue  # in the middle of another coin
        size = uniform(rng, smallest, largest)
        coin = Thing(COIN, make_shape("coin", size, rng), x, y, size)
        if put(labels, coin, FIRST_THING + len(placed), share=piled):
            placed.append(coin)
        if len(placed) == number:
            break
    return placed


def _rows(
    height: int, width: int, number: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """The middles of at least `number` cells of a grid over the image, each moved a little."""
    columns = max(round(sqrt(number * width / height)), 1)
    rows = ceil(number / columns)
    spots = []
    for i in range(rows):
        for j in range(columns):
            x, y = j + uniform(rng, 0.35, 0.65), i + uniform(rng, 0.35, 0.65)
            spots.append((x / columns * width, y / rows * height))
    return spots


def lay_stuff(labels: np.ndarray, rng: np.random.Generator) -> None:
    """Give every free sample to sky, ground or water: a horizon, and below it perhaps a shore."""
    sky, ground, water = STUFF
    near, far = (ground, water) if rng.random() < 0.5 else (water, ground)
    stuff = np.full(labels.shape, far, dtype=np.uint8)
    if rng.random() < 0.8:
        dx, dy = direction(rng)
        lies_near = _side(labels, (dx, abs(dy) + 0.3), uniform(rng, 0.45, 0.9), 0.06, rng)
        np.copyto(stuff, np.uint8(near), where=lies_near)
    horizon = uniform(rng, -0.15, 0.65)
    is_land = _side(labels, (uniform(rng, -0.2, 0.2), 1.0), horizon, 0.04, rng)
    np.copyto(stuff, np.uint8(sky), where=~is_land)
    np.copyto(labels, stuff, where=labels == FREE)


def _side(
    labels: np.ndarray,
    normal: tuple[float, float],
    height: float,
    waves: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Samples below a wavy line through (1/2, `height`), as shares of the image."""
    rows, columns = labels.shape[2:]
    u = samples(0, columns)[None, :, None, :] / columns - 0.5
    v = samples(0, rows)[:, None, :, None] / rows - height
    swell = waves * rng.random() * wave(u * uniform(rng, 1, 4) + rng.random())
    return normal[1] * v >= swell - normal[0] * u


def wave(t: np.ndarray) -> np.ndarray:
    """A wave of period 1 between -1 and 1, of parabolas: close to a sine, but exact everywhere.

    Example:
        >>> wave(np.array([0.125, 0.25, 0.625, 0.75])).tolist()
        [0.75, 1.0, -0.75, -1.0]
    """
    half = 2 * (t - np.floor(t)) - 1
    return 4 * half * (abs(half) - 1)


def lay_ground(labels: np.ndarray) -> None:
    """Give every free sample to the ground, on which coins lie."""
    labels[labels == FREE] = 7
