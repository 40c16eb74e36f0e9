"""Reading a region without rounding: C43 to C45; and from which level of a pyramid: C82."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.boxes import fpn_level
from minseg.data import coins_truth
from minseg.ledger.measured import Measured, seeded
from minseg.roi import bilinear_sample, roi_align, roi_pool


def c43() -> Measured:
    """RoIAlign rounds nothing: a few points in each bin, read bilinearly."""
    v, u = torch.meshgrid(torch.arange(24) + 0.5, torch.arange(32) + 0.5, indexing="ij")
    ramp = (3 * u - 2 * v + 1)[None, None]
    x1, y1, w, h = 2 + 10 * torch.rand(4, 200, generator=seeded(5))  # well inside the map
    rois = torch.stack([0 * x1, x1, y1, x1 + w, y1 + h], dim=1)
    t = (torch.arange(7) + 0.5) / 7  # the middles of seven bins
    x, y = x1[:, None] + w[:, None] * t, y1[:, None] + h[:, None] * t
    due = 3 * x[:, None, :] - 2 * y[:, :, None] + 1  # (200, 7, 7)
    worst = max(
        (roi_align(ramp, rois, 7, 1.0, n, True)[:, 0] - due).abs().max().item()
        for n in (-1, 1, 2, 3)
    )
    off = (roi_pool(ramp, rois, 7)[:, 0] - due).abs().mean().item()
    below = torch.tensor([[0.0, 2, y, 3, y + 1] for y in (7.5, 7.75)])  # a point at y = 8 and 8.25
    border = roi_align(torch.ones(1, 1, 8, 8), below, 1, 1.0, 1, False).flatten().tolist()
    return Measured(
        "on a ramp, 200 boxes away from borders, 1, 2, 3 and adaptive points: off by less than "
        f"0.001 at worst, RoI pooling by {off:.1f} on average. On a map of ones and 8 rows, a "
        f"point at y = 8 reads {border[0]:.0f}, one at 8.25 reads {border[1]:.0f}.",
        worst < 1e-3 < off and border == [1, 0],
    )


def _with_ceiling(values: Tensor, x: Tensor) -> Tensor:
    """Values (n,) read at x (P,) between floor(x) and ceil(x), as the notes have it."""
    low, high = x.detach().floor().long(), x.detach().ceil().long()
    return (1 - (x - low)) * values[low] + (x - low) * values[high]


def c44() -> Measured:
    """Bilinear interpolation weighs the pixels at floor and ceiling."""
    squares = torch.arange(6.0) ** 2
    found = []
    for at in (2.0, 2.001):
        x = torch.tensor([at], requires_grad=True)
        for value in (_with_ceiling(squares, x), bilinear_sample(squares[None, None], x, 0 * x)):
            slope = torch.autograd.grad(value.sum(), x)[0].item()
            found.append((value.item(), slope))
    ceiling, ours, near, _ = found
    return Measured(
        f"f = k², x = 2: with the ceiling value {ceiling[0]:.0f}, derivative {ceiling[1]:.0f}; "
        f"with floor + 1 value {ours[0]:.0f}, derivative {ours[1]:.0f}. At x = 2.001 the "
        f"ceiling's derivative is {near[1]:.0f} too.",
        ceiling == (4, 0) and ours == (4, 5) and abs(near[1] - 5) < 0.01,
    )


def _slopes(row: Tensor) -> list[float]:
    """RoIAlign of one point, moved along a row (W,): its slope between each two pixels."""
    at = torch.arange(len(row) - 1).repeat_interleave(2) + torch.tensor([0.25, 0.75]).repeat(
        len(row) - 1
    )
    boxes = torch.stack([0 * at, at, 0 * at, at + 1, 0 * at + 1], dim=1)  # one pixel around each
    read = roi_align(row[None, None, None], boxes, 1, 1.0, 1, True).flatten()
    # A box from `at` to `at + 1` has its middle at index `at`.
    return ((read[1::2] - read[::2]) / 0.5).round().tolist()


def _kept(mask: Tensor, stride: int) -> float:
    """IoU of a mask (H, W) with itself after it went through a map of that stride."""
    cells = F.avg_pool2d(mask[None].float(), stride, ceil_mode=True, count_include_pad=False)
    y, x = (t.flatten() for t in torch.meshgrid(*map(torch.arange, mask.shape), indexing="ij"))
    read = bilinear_sample(cells, (x + 0.5) / stride - 0.5, (y + 0.5) / stride - 0.5)[0] >= 0.5
    true = mask.flatten()
    return ((read & true).sum() / (read | true).sum()).item()


def c45() -> Measured:
    """RoIAlign removes quantisation, reaches pixel accuracy and has smooth gradients."""
    slopes = _slopes(torch.tensor([0.0, 2, 6, 9, 8, 4, 1, 0]))
    maps = torch.rand(1, 1, 8, 8, generator=seeded(0)).requires_grad_()
    roi = torch.tensor([[0.0, 1.3, 1.2, 5.1, 4.4]], requires_grad=True)
    out = roi_align(maps, roi, 2, 1.0, 2, True).sum()
    to_map, to_box = torch.autograd.grad(out, (maps, roi), allow_unused=True)
    coins = coins_truth().masks.any(dim=0)
    kept = {stride: _kept(coins, stride) for stride in (4, 8, 16, 32)}
    return Measured(
        f"slopes {slopes[2]:.0f} and {slopes[3]:.0f} on the two sides of a pixel's centre; the "
        f"operator's gradient to the box is {to_box}. Of the coins' masks a map keeps IoU "
        f"{', '.join(f'{iou:.2f} at stride {stride}' for stride, iou in kept.items())}.",
        slopes[2] != slopes[3] and to_box is None and bool(to_map.any()) and kept[4] > kept[32],
    )


def c82() -> Measured:
    """Small objects go to levels of high resolution, large ones to levels of low resolution."""
    sides = torch.tensor([32.0, 56, 111, 112, 224, 448])
    levels = fpn_level(F.pad(sides[:, None].expand(-1, 2), (2, 0))).tolist()  # x1 = y1 = 0
    told = (f"{side:.0f} px: P{level}" for side, level in zip(sides, levels, strict=True))
    return Measured(f"{'; '.join(told)}.", levels == [2, 2, 2, 3, 4, 5])
