"""The outlines of things: which points of the plane a disc, a box or a star covers.

A figure is a question, `covers(x, y)`, asked at sample points around its centre (0, 0):

    round     inner² ≤ x² + y² ≤ outer²
    polygon   on the right side of at least `needed` of its edges: of all of them when it is convex,
              of four of the five lines of a star, which are the five long lines of a pentagram
    coin      x² + y² ≤ r² (1 + a small wobble), with flattened sides

Masks are decided by these comparisons alone, so they must come out alike on every machine. Hence
only additions, products, quotients and square roots, which IEEE 754 rounds in one way, and no sine
or cosine, whose last digit depends on the library. A direction is a point of the unit circle in its
rational form, ((1 - t²) / (1 + t²), 2t / (1 + t²)). Unit 10 draws scenes made of these shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

THINGS = {
    1: "disc",
    2: "box",
    3: "triangle",
    4: "star",
    5: "ring",
}  # category ids of countable things
COIN = 9  # the category of scenes in the coins style, and of the photograph's annotations

COS72, COS144 = (sqrt(5) - 1) / 4, -(sqrt(5) + 1) / 4
SIN72, SIN144 = sqrt(10 + 2 * sqrt(5)) / 4, sqrt(10 - 2 * sqrt(5)) / 4
PENTAGON = [(1.0, 0.0), (COS72, SIN72), (COS144, SIN144), (COS144, -SIN144), (COS72, -SIN72)]


@dataclass(frozen=True)
class Round:
    """A disc, or a ring when `inner` is not zero."""

    reach: tuple[float, float]  # half the width and half the height of the tight box
    inner: float = 0.0

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        squared = x * x + y * y
        outer = self.reach[0]
        return (squared <= outer * outer) & (squared >= self.inner * self.inner)


@dataclass(frozen=True)
class Polygon:
    """Corners in clockwise order on the screen (x right, y down); `needed` edges must agree."""

    reach: tuple[float, float]
    corners: tuple[tuple[float, float], ...]
    needed: int

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        votes = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.uint8)
        ends = self.corners[1:] + self.corners[:1]
        for (ax, ay), (bx, by) in zip(self.corners, ends, strict=True):
            votes += (by - ay) * (x - ax) <= (bx - ax) * (y - ay)
        return votes >= self.needed


@dataclass(frozen=True)
class Coin:
    """A disc with a wobble of two and of three bumps, cut by straight lines where it is worn."""

    reach: tuple[float, float]
    radius: float
    bumps: tuple[float, float, float, float]
    cuts: tuple[tuple[float, float, float], ...]  # (a, b, c): kept where a x + b y ≤ c

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = x / self.radius, y / self.radius
        a, b, c, d = self.bumps  # of u² - v², uv, u³ - 3uv², 3u²v - v³: cos 2φ, sin 2φ, cos 3φ, …
        wobble = u * (u * (3 * d * v) + (b * v - 3 * c * v * v))  # the rest depends on one of them
        wobble += u * u * (a + c * u) + (1 - v * v * (a + d * v))
        squared = u * u + v * v
        kept = (squared * wobble <= 1) & (squared < 1.32)  # far out the wobble goes wild
        for along_x, along_y, limit in self.cuts:
            kept &= along_x * u <= limit - along_y * v
        return kept


Shape = Round | Polygon | Coin


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A float in [low, high), by two roundings on every machine (a fused one would differ)."""
    return low + (high - low) * float(rng.random())


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    """An integer from low to high, both included."""
    return low + int((high - low + 1) * rng.random())


def direction(rng: np.random.Generator) -> tuple[float, float]:
    """A point of the unit circle, anywhere on it."""
    t, sign = uniform(rng, -1, 1), 1.0 if rng.random() < 0.5 else -1.0
    return sign * (1 - t * t) / (1 + t * t), sign * 2 * t / (1 + t * t)


def make_shape(kind: str, size: float, rng: np.random.Generator) -> Shape:
    """A shape at random, turned at random.

    Args:
        kind: a name of `THINGS`, or "coin".
        size: the longer side of its tight box, in pixels (a coin's wobble may add a little).
        rng: decides proportions and rotation.

    Example:
        >>> disc = make_shape("disc", 10, np.random.default_rng(0))
        >>> disc.covers(np.array([0, 4, 6]), np.array([0, 3, 0])).tolist()
        [True, True, False]
    """
    return MAKERS[kind](size, rng)


def _disc(size: float, rng: np.random.Generator) -> Shape:
    return Round((size / 2, size / 2))


def _ring(size: float, rng: np.random.Generator) -> Shape:
    return Round((size / 2, size / 2), inner=size / 2 * uniform(rng, 0.45, 0.6))


def _box(size: float, rng: np.random.Generator) -> Shape:
    narrow = uniform(rng, 0.45, 1.0)
    return _polygon([(-1, -narrow), (1, -narrow), (1, narrow), (-1, narrow)], size, rng)


def _triangle(size: float, rng: np.random.Generator) -> Shape:
    corners = [(1.0, 0.0), (-0.5, sqrt(3) / 2), (-0.5, -sqrt(3) / 2)]
    moved = [(x + uniform(rng, -0.2, 0.2), y + uniform(rng, -0.2, 0.2)) for x, y in corners]
    return _polygon(moved, size, rng)


def _star(size: float, rng: np.random.Generator) -> Shape:
    lines = [PENTAGON[k] for k in (0, 2, 4, 1, 3)]  # every second corner: a pentagram
    return _polygon(lines, size, rng, needed=4)


def _polygon(
    corners: list[tuple[float, float]],
    size: float,
    rng: np.random.Generator,
    needed: int | None = None,
) -> Shape:
    """Turn the corners, then move and scale them so that the tight box is centred and fits."""
    c, s = direction(rng)
    turned = [(c * x - s * y, s * x + c * y) for x, y in corners]
    xs, ys = [x for x, _ in turned], [y for _, y in turned]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    scale = size / max(width, height)
    middle_x, middle_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    placed = tuple((scale * (x - middle_x), scale * (y - middle_y)) for x, y in turned)
    return Polygon((scale * width / 2, scale * height / 2), placed, needed or len(corners))


def _coin(size: float, rng: np.random.Generator) -> Shape:
    bumps = [uniform(rng, -1, 1) * most for most in (0.08, 0.12, 0.04, 0.04)]
    cuts = [(*direction(rng), uniform(rng, 0.82, 1.0)) for _ in range(whole(rng, 0, 3))]
    reach = 1.15 * size / 2  # the wobble moves the edge outwards by less than this
    return Coin((reach, reach), size / 2, (bumps[0], bumps[1], bumps[2], bumps[3]), tuple(cuts))


MAKERS: dict[str, Callable[[float, np.random.Generator], Shape]] = {
    "disc": _disc,
    "box": _box,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "coin": _coin,
}
