"""What rounding a box to a grid costs: C38 to C41. All errors are in feature pixels unless said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from minseg.boxes import fpn_level
from minseg.ledger.measured import Measured, seeded
from minseg.roi import error_distribution, expected_error, roi_pool
from minseg.roi.pool import pool_bins
from minseg.roi.quantisation import (
    error_statistics,
    round_half_away,
    rounding_error,
    shifted_iou,
    simulate_error,
)

STRIDE = 16


def _agree(errors: Tensor, steps: Sequence[str]) -> bool:
    """Whether the statistics of errors are those of the closed form, to 0.01 feature pixels."""
    found, due = torch.tensor(error_statistics(errors)), torch.tensor(expected_error(steps))
    return torch.allclose(found, due, atol=0.01)


@cache
def _boxes() -> tuple[Tensor, Tensor]:
    """Left edges and widths of 50,000 boxes, as on a level of a pyramid: 14 to 28 wide."""
    x1, width = torch.rand(2, 50_000, generator=seeded(2), dtype=torch.float64)
    return 50 * x1, 14 + 14 * width


def _bin_spread(bins: int) -> float:
    """How much the centre of a bin of RoI pooling scatters around where it should be, SD."""
    x1, width = _boxes()
    begin, end = pool_bins(round_half_away(x1), round_half_away(x1 + width), bins, length=100)
    centre = x1[:, None] + (torch.arange(bins) + 0.5) * (width / bins)[:, None]
    return (centre - (begin + end) / 2).std(dim=0).mean().item()


def c38() -> Measured:
    """RoI pooling floors the box (x, y, width, height), then the borders of its bins."""
    ramp = (torch.arange(16.0) + 0.5).expand(1, 1, 16, 16)  # f = x at the centre of each cell
    pooled = roi_pool(ramp, torch.tensor([[0.0, 2, 2, 8, 8]]), 3)[0, 0, 0].tolist()
    outside = roi_pool(ramp, torch.tensor([[0.0, 40, 40, 44, 44]]), 3).max().item()
    x1, width = _boxes()
    floored = x1 + width - (x1.floor() + width.floor())  # error of the right edge
    rounded = rounding_error(x1 + width, rounding="round")
    edges = [error_statistics(one) for one in (floored, rounded)]
    return Measured(
        f"on f = x, three bins of the box 2 to 8 give {pooled} instead of 3, 5, 7. Right edge: "
        f"rounded, mean {abs(edges[1].mean):.1f}, SD {edges[1].sd:.2f}; floor of (x, w), mean "
        f"{edges[0].mean:.1f}, SD {edges[0].sd:.2f} feature px. The centre of a bin has an SD of "
        f"{_bin_spread(7):.2f} with 7 bins, {_bin_spread(14):.2f} with 14.",
        _agree(floored, ("floor", "floor"))
        and _agree(rounded, ("round",))
        and pooled == [4.5, 6.5, 8.5]
        and outside == 0,
    )


def _left_after_a_line(edges: Tensor, rounding: str) -> float:
    """RMS error, in image pixels, after the best straight line from rounded to true edges."""
    rounded = edges - rounding_error(edges, STRIDE, rounding)
    inputs = torch.stack([rounded, torch.ones_like(rounded)], dim=1)
    corrected = (inputs @ torch.linalg.lstsq(inputs, edges[:, None]).solution)[:, 0]
    return (edges - corrected).square().mean().sqrt().item()


def c39() -> Measured:
    """One rounding step moves an edge by about half a pixel on average."""
    edges = 1024 * torch.rand(300_000, generator=seeded(0), dtype=torch.float64)
    errors = [rounding_error(edges / STRIDE, rounding=rule) for rule in ("floor", "round")]
    floor, nearest = (error_statistics(one) for one in errors)
    left = [_left_after_a_line(edges, rule) for rule in ("floor", "round")]
    return Measured(
        f"feature px: floor mean {floor.mean:.2f}, SD {floor.sd:.2f}; rounding mean size "
        f"{nearest.mean_abs:.2f}, SD {nearest.sd:.2f}. At stride {STRIDE} the floor's mean is "
        f"{STRIDE * floor.mean:.1f} image px; {left[0]:.1f} px are left once it is learnt away.",
        _agree(errors[0], ("floor",))
        and _agree(errors[1], ("round",))
        and abs(left[0] - left[1]) < 0.05,
    )


def c40() -> Measured:
    """The errors of two rounding steps add up, to about one pixel on average."""
    chains = [("floor", "floor"), ("round", "round"), ("round", "floor")]
    errors = [simulate_error(steps, 200_000, generator=seeded(1)) for steps in chains]
    floors, rounds, mixed = (error_statistics(one) for one in errors)
    flat = error_distribution(chains[0])[1].max().item()  # the triangle's top
    return Measured(
        f"two floors: mean {floors.mean:.2f}, SD {floors.sd:.2f} feature px. Two roundings: mean "
        f"size {rounds.mean_abs:.2f}, SD {rounds.sd:.2f}. Rounding, then floor: mean "
        f"{mixed.mean:.2f}, SD {mixed.sd:.2f}.",
        all(_agree(one, steps) for one, steps in zip(errors, chains, strict=True)) and flat <= 1,
    )


def c41() -> Measured:
    """Rounding hurts small objects more: below 32 pixels, one pixel is more than 3 %."""
    sizes = torch.tensor([32.0, 57, 111, 113, 223, 225, 447, 449, 895])
    boxes = torch.stack([0 * sizes, 0 * sizes, sizes, sizes], dim=1)
    spans = sizes / 2.0 ** fpn_level(boxes)  # in cells of the level that reads the box
    ious = shifted_iou(32.0, torch.tensor([1.0, 4, 8, 16]))
    return Measured(
        f"one feature px on a 32-px object is {100 * STRIDE / 32:.0f} % of it at stride {STRIDE} "
        f"and {100 / spans[0]:.1f} % on a pyramid's finest map; shifts of 1, 4, 8, 16 px leave IoU "
        f"{', '.join(f'{iou:.2f}' for iou in ious)}. From 57 to 895 px boxes span "
        f"{spans[1:].min():.1f} to {spans[1:].max():.1f} cells.",
        bool(spans[0] == 8 and ious[2] < 0.5 and spans[1:].min() >= 14 and spans[1:].max() <= 28),
    )
