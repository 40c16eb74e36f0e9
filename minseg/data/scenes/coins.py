"""Scenes that stand in for the photograph of coins: worn relief on a dark, uneven ground.

A coin's face is a height map lit from one side. Its brightness is the slope of the height towards
the light,

    brightness = base + relief · (height(i, j) - height(i - Δi, j - Δj)),

with a raised rim, so that the face is as confusing as a real one: bright and dark within, and at
places as dark as the ground. Size, relief, brightness, ground and blur vary from scene to scene, so
that a model trained on them has not merely learned one photograph. Unit 42 tries it.
"""

from __future__ import annotations

import numpy as np

from minseg.data.scenes.layout import Thing, window
from minseg.data.scenes.paint import blur, expose, shadow, texture
from minseg.data.scenes.shapes import direction, uniform, whole


def paint_coins(
    coins: list[Thing],
    coin_coverage: np.ndarray,
    stuff_coverage: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Grey levels of a scene of coins; arguments and result as in `paint.paint_scene`."""
    height, width = stuff_coverage.shape[1:]
    light = direction(rng)
    relief = uniform(rng, 0.15, 0.4)
    ground = _ground(rng, height, width)
    brightness = float(np.max(blur(ground))) * 0.5 + uniform(rng, 0.3, 0.5)
    dark = blur(blur(blur(coin_coverage.sum(axis=0)))) + shadow(coin_coverage, light)
    depth = uniform(rng, 0.2, 0.5)
    grey = ground * (1 - depth * np.minimum(dark, 1)) * stuff_coverage.sum(axis=0)
    in_front = np.zeros_like(grey)
    for coin, coverage in zip(coins, coin_coverage, strict=True):
        rows, columns = window(coin, height, width)
        base = brightness * uniform(rng, 0.82, 1.22)
        face = _face(coin, rows, columns, light, relief * uniform(rng, 0.5, 1.5), rng)
        shade = 1 - depth * blur(in_front[rows, columns])  # of the coins that lie upon this one
        grey[rows, columns] += coverage[rows, columns] * (base + face) * shade
        in_front[rows, columns] += coverage[rows, columns]
    for _ in range(whole(rng, 0, 2)):
        grey = blur(grey)
    grain = expose(grey[None], light, rng)
    return np.repeat(grain, 3, axis=0)


def _ground(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Dark, brighter towards one side, with patches and dust; in some scenes it ends in black."""
    a, b = direction(rng)
    u = (np.arange(width) / width - 0.5).astype(np.float32)
    v = (np.arange(height) / height - 0.5).astype(np.float32)[:, None]
    level, rise = uniform(rng, 0.1, 0.3), uniform(rng, 0.05, 0.35)
    ground = level + rise * np.maximum(0.5 + a * u + b * v, 0)
    ground += 0.04 * texture(rng, height, width, height / 4, width / 5)
    ground += 0.03 * texture(rng, height, width, 1.5, 4)
    dust = texture(rng, height, width, 2, 2)
    ground *= a * u + b * v < uniform(rng, 0.4, 0.9)
    return ground + 0.4 * np.maximum(dust - uniform(rng, 0.8, 0.98), 0)


def _face(
    coin: Thing,
    rows: slice,
    columns: slice,
    light: tuple[float, float],
    relief: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """(h, w) brightness of a coin's face around its base: a lit height map, darker at the edge."""
    h, w = rows.stop - rows.start, columns.stop - columns.start
    u = ((np.arange(columns.start, columns.stop) + 0.5 - coin.x) * (2 / coin.size)).astype(
        np.float32
    )
    v = ((np.arange(rows.start, rows.stop) + 0.5 - coin.y) * (2 / coin.size)).astype(np.float32)
    squared = u * u + (v * v)[:, None]
    figure = np.clip(3 * texture(rng, h, w, coin.size / 4, coin.size / 4), 0, 1)  # a head, a horse
    medium = texture(rng, h, w, coin.size / 8, coin.size / 8)
    fine = texture(rng, h, w, coin.size / 18, coin.size / 18)  # hair, feathers, letters
    height = figure * (1 + medium + uniform(rng, 0.2, 1.2) * fine) + 0.4 * medium
    height = height * np.clip(4 - 4.5 * squared, 0, 1)  # the figure ends before the rim
    ring = uniform(rng, 0.7, 0.9)
    height += uniform(rng, 0, 1.2) * np.maximum(1 - 8 * abs(squared - ring), 0)
    di, dj = round(light[1] * 1.4), round(light[0] * 1.4)
    padded = np.pad(height, 2, mode="edge")
    slope = height - padded[2 + di : 2 + di + h, 2 + dj : 2 + dj + w]
    tilt = uniform(rng, 0, 0.12) * (light[0] * u + (light[1] * v)[:, None])
    edge = uniform(rng, 0, 0.2) * squared * squared
    return relief * slope + tilt - edge + 0.08 * texture(rng, h, w, 1.5, 1.5)
