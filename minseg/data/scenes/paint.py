"""Colours for a scene: stuff with texture, things with shading, then light and noise over all.

    pixel = light · Σ_k coverage_k · colour_k + noise

Coverage is the share of the pixel that segment k takes, so edges are smooth and agree with the
truth to 1/16. A thing's colour and pattern are random, whatever its class: only its outline tells a
disc from a box. Stuff is told by colour, texture and place together.

As in `shapes`, only sums, products, quotients and roots are used, never a sine or an
exponential, so that a seed gives one image on every machine. Noise is the sum of two uniform
numbers, a triangular density.
"""

from __future__ import annotations

import numpy as np

from minseg.data.scenes.layout import Thing, wave, window
from minseg.data.scenes.shapes import direction, uniform, whole

Colour = tuple[float, float, float]

# The two ends of a gradient: (top, horizon) for the sky, (far, near) for ground and water.
SKIES: list[tuple[Colour, Colour]] = [
    ((0.30, 0.52, 0.86), (0.72, 0.84, 0.95)),  # clear
    ((0.55, 0.60, 0.67), (0.80, 0.82, 0.84)),  # overcast
    ((0.33, 0.36, 0.62), (0.97, 0.70, 0.50)),  # dusk
    ((0.62, 0.76, 0.88), (0.95, 0.93, 0.85)),  # haze
]
GROUNDS: list[tuple[Colour, Colour]] = [
    ((0.40, 0.55, 0.28), (0.27, 0.45, 0.17)),  # grass
    ((0.80, 0.70, 0.48), (0.72, 0.60, 0.38)),  # sand
    ((0.50, 0.40, 0.30), (0.38, 0.28, 0.19)),  # earth
    ((0.55, 0.54, 0.50), (0.42, 0.42, 0.40)),  # gravel
]
WATERS: list[tuple[Colour, Colour]] = [
    ((0.30, 0.50, 0.66), (0.10, 0.27, 0.45)),  # lake
    ((0.30, 0.62, 0.64), (0.10, 0.42, 0.48)),  # lagoon
    ((0.34, 0.42, 0.46), (0.14, 0.22, 0.27)),  # grey sea
]


def texture(
    rng: np.random.Generator, height: int, width: int, cell_y: float, cell_x: float
) -> np.ndarray:
    """(height, width) float32 in [-1, 1]: random values at the corners of cells, blended between.

    Args:
        cell_y, cell_x: the cells' height and width in pixels; small cells give a fine grain.
    """
    i, a = _cells(height, cell_y)
    j, b = _cells(width, cell_x)
    corners = 2 * rng.random((i[-1] + 2, j[-1] + 2), dtype=np.float32) - 1
    tall = corners[i] + a[:, None] * (corners[i + 1] - corners[i])  # (height, columns of corners)
    return tall[:, j] + b * (tall[:, j + 1] - tall[:, j])


def _cells(length: int, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel, its cell and how far it lies in it, eased so that no crease shows."""
    position = np.arange(length) / max(cell, 1.0)
    index = position.astype(np.int64)
    rest = (position - index).astype(np.float32)
    return index, rest * rest * (3 - 2 * rest)


def paint_scene(
    things: list[Thing],
    thing_coverage: np.ndarray,
    stuff_coverage: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Colours of a scene of shapes.

    Args:
        things: front to back, as `lay_things` gives them.
        thing_coverage: (N, H, W) float32, the visible share of each pixel.
        stuff_coverage: (3, H, W) float32, of sky, ground and water.

    Returns:
        (3, H, W) float32 in [0, 1].
    """
    height, width = stuff_coverage.shape[1:]
    light = direction(rng)
    image = np.zeros((3, height, width), dtype=np.float32)
    used: list[np.ndarray] = []
    for paint, coverage in zip((_sky, _ground, _water), stuff_coverage, strict=True):
        if coverage.any():
            colours = paint(rng, height, width)
            image += coverage * colours
            used.append(colours[:, height // 2, width // 2])
    image *= 1 - uniform(rng, 0, 0.35) * shadow(thing_coverage, light)
    for thing, coverage in zip(things, thing_coverage, strict=True):
        rows, columns = window(thing, height, width)
        colour = _fresh_colour(used, rng)
        surface = _surface(thing, rows, columns, light, rng)
        image[:, rows, columns] += coverage[rows, columns] * colour[:, None, None] * surface
    return expose(image, light, rng)


def _gradient(
    pairs: list[tuple[Colour, Colour]], rows: int, rng: np.random.Generator
) -> np.ndarray:
    """(3, rows, 1) from one colour of a pair to the other, both moved a little at random."""
    pair = np.array(pairs[whole(rng, 0, len(pairs) - 1)], dtype=np.float32)
    ends = pair + 0.08 * (rng.random((2, 3), dtype=np.float32) - 0.5)
    share = (np.arange(rows) / rows).astype(np.float32)
    return (ends[0, :, None] + share * (ends[1] - ends[0])[:, None])[:, :, None]


def _sky(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    clouds = texture(rng, height, width, height / 6, width / 3)
    clouds = clouds + 0.5 * texture(rng, height, width, height / 12, width / 6)
    return _gradient(SKIES, height, rng) + uniform(rng, 0, 0.2) * np.maximum(clouds, 0)


def _ground(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    grain = texture(rng, height, width, 1.5, 2) + texture(rng, height, width, 4, 7)
    patches = texture(rng, height, width, height / 6, width / 4)
    rough = 1 + uniform(rng, 0.08, 0.2) * grain + 0.15 * patches
    return _gradient(GROUNDS, height, rng) * rough


def _water(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    bend = texture(rng, height, width, height / 5, width / 5)
    period = uniform(rng, 5, 9)
    ripples = wave(np.arange(height, dtype=np.float32)[:, None] / period + 0.8 * bend)
    glints = np.maximum(texture(rng, height, width, 1.5, 6), 0)
    return _gradient(WATERS, height, rng) * (1 + 0.14 * ripples) + 0.12 * glints * (ripples > 0)


def _fresh_colour(used: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A colour unlike those `used` so far: of four, the one farthest from its nearest neighbour."""
    candidates = 0.08 + 0.87 * rng.random((4, 3), dtype=np.float32)
    gaps = abs(candidates[:, None] - np.stack(used)).max(axis=2).min(axis=1)  # (4,)
    best = candidates[gaps.argmax()]
    used.append(best)
    return best


def _surface(
    thing: Thing,
    rows: slice,
    columns: slice,
    light: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """(h, w) brightness of a thing: brighter towards the light, with stripes or spots on some."""
    u = ((np.arange(columns.start, columns.stop) + 0.5 - thing.x) / thing.size).astype(np.float32)
    v = ((np.arange(rows.start, rows.stop) + 0.5 - thing.y) / thing.size).astype(np.float32)[
        :, None
    ]
    surface = 1 + uniform(rng, 0.1, 0.5) * (light[0] * u + light[1] * v)
    pattern, strength = rng.random(), uniform(rng, 0.08, 0.22)
    if pattern < 0.3:
        (a, b), stripes = direction(rng), uniform(rng, 2, 5)
        surface += strength * wave(stripes * (a * u + b * v))
    elif pattern < 0.6:
        cell = thing.size / uniform(rng, 3, 7)
        surface += strength * texture(rng, len(v), len(u), cell, cell)
    return surface


def shadow(coverage: np.ndarray, light: tuple[float, float]) -> np.ndarray:
    """(H, W): where things cast their shadow on the stuff, a few pixels away from the light."""
    total = coverage.sum(axis=0)
    height, width = total.shape
    reach = max(min(height, width) // 42, 2)
    dx, dy = round(-light[0] * reach), round(-light[1] * reach)
    padded = np.pad(total, reach, mode="edge")
    moved = padded[reach - dy :, reach - dx :][:height, :width]
    return blur(moved)


def blur(image: np.ndarray) -> np.ndarray:
    """Weights 1 2 1 along the last two axes; the border repeats.

    Example:
        >>> (16 * blur(np.eye(1, 4))).tolist()
        [[12.0, 4.0, 0.0, 0.0]]
    """
    edges = [(0, 0)] * (image.ndim - 2) + [(1, 1), (1, 1)]
    p = np.pad(image, edges, mode="edge")
    p = p[..., :-2, :] + 2 * p[..., 1:-1, :] + p[..., 2:, :]
    return (p[..., :-2] + 2 * p[..., 1:-1] + p[..., 2:]) / 16


def expose(image: np.ndarray, light: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Light from one side, darker corners, noise of the camera; clipped to [0, 1]."""
    height, width = image.shape[1:]
    u = ((2 * np.arange(width) + 1) / width - 1).astype(np.float32)
    v = ((2 * np.arange(height) + 1) / height - 1).astype(np.float32)[:, None]
    slope, corners = uniform(rng, 0, 0.2), uniform(rng, 0, 0.15)
    gain = 1 + slope * (light[0] * u + light[1] * v) - corners * (u * u + v * v)
    grain = rng.random(image.shape, dtype=np.float32)
    grain += rng.random(image.shape, dtype=np.float32)
    return np.clip(image * gain + uniform(rng, 0.01, 0.05) * (grain - 1), 0, 1)
