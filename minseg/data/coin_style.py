"""Scenes that stand in for the photograph of coins: worn relief on a dark, uneven ground.

A coin's face is a height map lit from one side. Its brightness is the slope of the height towards
the light,

    brightness = base + relief · (height(i, j) - height(i - Δi, j - Δj)),

with a raised rim, so that the face is as confusing as a real one: bright and dark within, and at
places as dark as the ground. Size, relief, brightness, ground and blur vary from scene to scene, so
that a model trained on them has not merely learned one photograph. Lesson 08 tries it.
"""

from __future__ import annotations

import numpy as np

from minseg.data.layout import Thing, window
from minseg.data.paint import blur, expose, shadow, texture
from minseg.data.shapes import direction, uniform, whole


def paint_coins(
    coins: list[Thing],
    coin_coverage: np.ndarray,
    stuff_coverage: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Grey levels of a scene of coins; arguments and result as `minseg.data.paint.paint_scene`."""
    height, width = stuff_coverage.shape[1:]
    light = direction(rng)
    brightness = uniform(rng, 0.42, 0.75)
    relief = uniform(rng, 0.15, 0.5)
    ground = _ground(rng, height, width)
    dark = blur(blur(blur(coin_coverage.sum(axis=0)))) + shadow(coin_coverage, light)
    grey = ground * (1 - uniform(rng, 0.1, 0.45) * np.minimum(dark, 1))
    grey *= stuff_coverage.sum(axis=0)
    for coin, coverage in zip(coins, coin_coverage, strict=True):
        rows, columns = window(coin, height, width)
        base = brightness * uniform(rng, 0.7, 1.25)
        face = _face(coin, rows, columns, light, relief * uniform(rng, 0.5, 1.5), rng)
        grey[rows, columns] += coverage[rows, columns] * (base + face)
    for _ in range(whole(rng, 0, 2)):
        grey = blur(grey)
    grain = expose(grey[None], light, rng)
    return np.repeat(grain, 3, axis=0)


def _ground(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Dark, brighter towards one side, with patches, fibres and specks of dust."""
    a, b = direction(rng)
    u = (np.arange(width) / width - 0.5).astype(np.float32)
    v = (np.arange(height) / height - 0.5).astype(np.float32)[:, None]
    level, rise = uniform(rng, 0.1, 0.32), uniform(rng, 0.05, 0.35)
    ground = level + rise * np.maximum(0.5 + a * u + b * v, 0)
    ground += 0.04 * texture(rng, height, width, height / 4, width / 5)
    ground += 0.03 * texture(rng, height, width, 1.5, 4)
    dust = texture(rng, height, width, 2, 2)
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
    figure = np.maximum(texture(rng, h, w, coin.size / 3.5, coin.size / 3.5), 0)
    detail = texture(rng, h, w, coin.size / 10, coin.size / 10)
    height = (2.5 * figure + 0.7 * detail * (figure > 0.1)) * np.maximum(1 - squared, 0)
    height += uniform(rng, 0, 1.5) * np.maximum(1 - 25 * abs(squared - uniform(rng, 0.6, 0.85)), 0)
    di, dj = round(light[1] * 1.5), round(light[0] * 1.5)
    padded = np.pad(height, 2, mode="edge")
    slope = height - padded[2 + di : 2 + di + h, 2 + dj : 2 + dj + w]
    tilt = uniform(rng, 0, 0.12) * (light[0] * u + (light[1] * v)[:, None])
    edge = uniform(rng, -0.05, 0.2) * squared * squared
    return relief * slope + tilt - edge + 0.05 * texture(rng, h, w, 1.5, 1.5)
