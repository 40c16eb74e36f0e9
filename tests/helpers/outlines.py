"""Outlines and masks that several tests write down: a smooth curve, a square, awkward masks."""

import math

import torch

from minseg.masks import from_polygons, largest_ring, to_polygons

SQUARE = torch.tensor([[20, 20], [120, 20], [120, 120], [20, 120]], dtype=torch.float64)
TERMS = {1: 80, -1: 10 + 4j, 2: 6j, -2: -5 + 3j, 3: 4, -4: 2.5j, 5: 2, -6: 1.5, 6: 1j}


def smooth_curve(points):
    """(points, 2) of a curve of 6 harmonics, about 190 × 140 pixels, even in its own parameter."""
    t = 2 * math.pi * torch.arange(points, dtype=torch.float64) / points
    z = 128 + 128j + sum(c * torch.exp(1j * k * t) for k, c in TERMS.items())
    return torch.stack([z.real, z.imag], dim=1)


def distance_to_curve(points, curve):
    """(n,) distance of points from a closed curve of straight pieces."""
    along = curve.roll(-1, 0) - curve
    away = points[:, None] - curve
    share = ((away * along).sum(-1) / (along * along).sum(-1)).clamp(0, 1)
    return (away - share[..., None] * along).norm(dim=-1).amin(dim=1)


def iou(a, b):
    """1.0 for two empty masks: nothing was lost."""
    union = (a | b).sum().item()
    return (a & b).sum().item() / union if union else 1.0


def assert_ring_comes_back(mask, code):
    """One ring: what has no hole and one part comes back, of the rest the largest ring.

    `code` writes a ring (n, 2) down in some way and reads it again.
    """
    parts = to_polygons(mask)
    if parts:
        ring = largest_ring(parts)
        decoded = from_polygons([code(ring)], *mask.shape)
        assert iou(decoded, from_polygons([ring], *mask.shape)) > 0.93


def awkward_masks():
    """Names and (24, 30) bool masks that a representation may stumble over."""
    y, x = torch.meshgrid(torch.arange(24) + 0.5, torch.arange(30) + 0.5, indexing="ij")
    disc = (x - 15) ** 2 + (y - 12) ** 2 < 9**2
    return {
        "empty": disc & False,
        "full": disc | True,
        "one pixel": (x == 4.5) & (y == 7.5),
        "two parts": (x < 8) & (y > 5) | (x > 20) & (y < 15) & (y > 2),
        "hole": disc & ((x - 14) ** 2 + (y - 11) ** 2 > 4**2),
        "two holes and an island": disc
        & ~((x > 9) & (x < 13) & (y > 8) & (y < 14))
        & ~((x > 14) & (x < 21) & (y > 8) & (y < 14))
        | (x == 17.5) & (y == 11.5),
        "border contact": (x + y < 14) | (x > 26),
        "diagonal touch": (x < 10) & (y < 10) | (x > 10) & (y > 10),
        "checkerboard": (x.floor() + y.floor()) % 2 == 0,
    }
