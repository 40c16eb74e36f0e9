"""Masks written down as outlines: polygons, Fourier descriptors, B-splines: C26 to C29."""

from __future__ import annotations

from minseg.experiments import representation_limits as limits
from minseg.experiments.representations import THINGS, parts_and_holes, specimen, write
from minseg.ledger.measured import Measured
from minseg.masks import from_polygons, largest_ring, resample, to_polygons
from minseg.metrics import mask_iou


def c26() -> Measured:
    """A polygon is compact and smooth, of variable length, limited in its topology."""
    exact = sum(write(specimen(thing), "polygon", 0).iou == 1 for thing in THINGS)
    coin, star = (write(specimen(thing), "polygon", 1) for thing in ("coin", "star"))
    ring = specimen("ring")
    outer = from_polygons([largest_ring(to_polygons(ring))], 96, 96)
    return Measured(
        f"with every corner {exact} of {len(THINGS)} masks come back exactly. At 1 px the coin "
        f"needs {len(coin.marks)} corners, the star {len(star.marks)}. The ring's outer outline "
        f"alone: IoU {mask_iou(ring[None], outer[None]).item():.2f}, and no hole.",
        exact == len(THINGS) and parts_and_holes(outer) == (1, 0) and coin.iou > 0.98,
    )


def c27() -> Measured:
    """An outline is a parametric curve."""
    corners = to_polygons(specimen("star"), tolerance=1)[0]
    even = resample(corners, 500)
    sides, steps = ((p.roll(-1, 0) - p).norm(dim=1) for p in (corners, even))  # the last one closes
    same = (steps > 0.99 * steps.max()).double().mean()
    return Measured(
        f"the star's {len(corners)} sides are {sides.min():.0f} to {sides.max():.0f} px long. 500 "
        f"points by arclength: {same:.0%} of the steps are equal, the one from the last point to "
        "the first included; the others cut a corner.",
        bool(same > 0.95 and steps[-1] > 0.99 * steps.max() and sides.max() > 5 * sides.min()),
    )


def c28() -> Measured:
    """Fourier descriptors write a boundary in the frequency domain."""
    off = [limits.fourier_error(limits.square_curve(), K) for K in (4, 8, 16, 32)]
    last = [limits.fourier_error(limits.smooth_curve(), K) for K in (5, 6)]
    return Measured(
        f"a smooth curve of 6 harmonics is off by {last[0]:.1f} px with K = 5, by {last[1]:.0f} "
        f"with 6. The square: {', '.join(f'{e:.1f}' for e in off)} px with K = 4, 8, 16, 32.",
        last[1] < 1e-9 and all(abs(off[k] / off[k + 1] - 2) < 0.05 for k in range(3)),
    )


def c29() -> Measured:
    """B-spline curves describe a smooth outline by control points."""
    curves = {"smooth": limits.smooth_curve(), "square": limits.square_curve()}
    ratio = {
        name: limits.bspline_error(curve, 24) / limits.bspline_error(curve, 48)
        for name, curve in curves.items()
    }
    coins = [write(specimen("coin"), "B-spline", n).iou for n in (6, 12, 24)]
    return Measured(
        f"the coin with 6, 12, 24 control points: IoU {', '.join(f'{v:.3f}' for v in coins)}. From "
        f"24 to 48 the error becomes {ratio['smooth']:.0f} times smaller on a smooth curve, "
        f"{ratio['square']:.0f} times at corners.",
        coins == sorted(coins) and ratio["smooth"] > 12 and abs(ratio["square"] - 2) < 0.1,
    )
