"""What a representation can reach at best: masks and curves written down, read again, compared.

Nothing is learnt here: the error that is left is that of the representation alone. Each function is
one experiment of units 11 to 13:

    grid_limits, fit_power, fit_logarithm    the error of grids as they become finer
    multiplications                          what predicting a grid costs
    fourier_error, bspline_error             closed curves, smooth ones and one with corners
    shrunk_iou                               masks and distances made eight times smaller
    reach, reaches                           how much of a mask one number moves
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from minseg.experiments.representations import ring_of
from minseg.instances import tight_boxes
from minseg.masks import (
    fit_bspline,
    fourier_descriptor,
    from_bspline,
    from_fourier,
    from_grid,
    resample,
    signed_distance,
    to_grid,
)
from minseg.metrics import boundary_iou, mask_iou

SIDE = 256  # pixels, of the images of smooth masks


def smooth_masks(count: int = 5) -> Tensor:
    """(count, 256, 256) bool: discs of radius 100 with four waves along their outlines.

    >>> (smooth_masks(2).double().mean(dim=(1, 2)) * 100).round().tolist()  # per cent of the image
    [48.0, 48.0]
    """
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    angle, masks = np.arctan2(y, x), []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        radius = np.full_like(x, 100)
        for k in range(2, 6):
            radius += rng.normal(0, 14 / k) * np.cos(k * angle + 6 * rng.random())
        masks.append(torch.from_numpy(np.hypot(x, y) <= radius))
    return torch.stack(masks)


def grid_limits(
    masks: Tensor, sizes: Sequence[int], *, binary: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The best that a grid can do: mean 1 - IoU and mean boundary IoU for each number of cells.

    Args:
        masks: (N, H, W) bool.
        sizes: cells along a side, m.
        binary: cells of 0 and 1 pasted as blocks; else area shares pasted bilinearly.

    >>> error, at_boundary = grid_limits(smooth_masks(1), [14, 28], binary=True)
    >>> error.round(3).tolist(), at_boundary.round(2).tolist()
    ([0.06, 0.031], [0.28, 0.53])
    """
    boxes, mode = tight_boxes(masks), "nearest" if binary else "bilinear"
    missed, at_boundary = [], []
    for m in sizes:
        grids = to_grid(masks, boxes, m, binary=binary)
        back = from_grid(grids, boxes, *masks.shape[1:], mode=mode)
        missed.append(1 - mask_iou(masks, back).diagonal().mean().item())
        edges = boundary_iou(masks, back, dilation_ratio=0.011)  # 4 px in an image of 256 × 256
        at_boundary.append(edges.diagonal().mean().item())
    return np.array(missed), np.array(at_boundary)


def fit_power(sizes: np.ndarray, error: np.ndarray) -> tuple[float, Callable[..., np.ndarray]]:
    """Least squares of log error over log m: the exponent, and the law as a function of m.

    >>> exponent, law = fit_power(np.array([10, 20, 40]), np.array([0.4, 0.2, 0.1]))
    >>> round(exponent, 6), round(float(law(80)), 6)
    (-1.0, 0.05)
    """
    exponent, start = np.polyfit(np.log(sizes), np.log(error), 1)
    return float(exponent), lambda m: np.exp(start) * np.asarray(m, dtype=float) ** exponent


def fit_logarithm(sizes: np.ndarray, error: np.ndarray) -> Callable[..., np.ndarray]:
    """Least squares of error over log m: the law as a function of m.

    >>> law = fit_logarithm(np.array([1, 10, 100]), np.array([0.3, 0.2, 0.1]))
    >>> round(float(law(1000)), 6)
    0.0
    """
    slope, start = np.polyfit(np.log(sizes), error, 1)
    return lambda m: start + slope * np.log(m)


def multiplications(layer: nn.Module, *shape: int) -> int:
    """How many multiplications a layer takes on one input (C, H, W) or (n,), without doing any.

    >>> multiplications(nn.Conv2d(8, 16, kernel_size=3, padding=1), 8, 10, 10)  # 9 · 8 · 16 · 100
    115200
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        layer.to("meta")(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2  # a multiplication and an addition


def smooth_curve(samples: int = 4800) -> Tensor:
    """(samples, 2): five turning circles, the fastest of them six times round."""
    t = torch.arange(samples, dtype=torch.float64)[:, None] / samples
    speeds = torch.tensor([1, -1, 2, -3, 6])
    radii = torch.tensor([60, 6, 3j, 2, 0.5], dtype=torch.complex128)
    z = torch.exp(2j * torch.pi * t * speeds) @ radii
    return torch.stack([z.real, z.imag], dim=1)


def square_curve(samples: int = 4800) -> Tensor:
    """(samples, 2): a square with sides of 100, equal steps."""
    corners = torch.tensor([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]])
    return resample(corners, samples)


def fourier_error(curve: Tensor, harmonics: int) -> float:
    """The largest distance, in pixels, of a point of a curve from where K harmonics put it.

    >>> round(fourier_error(square_curve(), 8), 1), round(fourier_error(smooth_curve(), 8), 1)
    (3.6, 0.0)
    """
    back = from_fourier(fourier_descriptor(curve, harmonics, samples=None), len(curve))
    return (back - curve).norm(dim=1).max().item()


def bspline_error(curve: Tensor, controls: int) -> float:
    """The largest distance, in pixels, of a point of a curve from its place on the best spline.

    >>> round(bspline_error(square_curve(), 24), 1), round(bspline_error(smooth_curve(), 24), 1)
    (1.9, 0.0)
    """
    back = from_bspline(fit_bspline(curve, controls, samples=len(curve)), len(curve))
    return (back - resample(curve, len(curve))).norm(dim=1).max().item()


def shrunk_iou(masks: Tensor, values: Tensor, level: float, *, area: bool = False) -> float:
    """Mean IoU after values are made 8 times coarser and fine again, and compared with a level.

    Args:
        masks: (N, H, W) bool, the truth.
        values: (N, H, W) floating point, above `level` inside.
        area: averages of 8 × 8 pixels; else the values are sampled between the middle ones.

    >>> masks = smooth_masks(1)
    >>> round(shrunk_iou(masks, masks.float(), 0.5), 3)  # a mask
    0.973
    >>> round(shrunk_iou(masks, signed_distance(masks), 0), 3)  # its distances
    0.998
    """
    mode = "area" if area else "bilinear"
    coarse = interpolate(values[:, None], scale_factor=1 / 8, mode=mode)
    back = interpolate(coarse, scale_factor=8, mode="bilinear")[:, 0] > level
    return mask_iou(masks, back).diagonal().mean().item()


def reach(read: Callable[[Tensor], Tensor], numbers: Tensor) -> float:
    """Which share of what is read moves if the middle one of the numbers is raised by 1.

    >>> reach(lambda corners: corners.repeat_interleave(2, 0), torch.zeros(4, 2))  # 2 points of 8
    0.25
    """
    raised = numbers.clone()
    raised[tuple(n // 2 for n in raised.shape)] += 1
    before, after = (read(each).flatten(start_dim=1) for each in (numbers, raised))
    return ((after - before).abs().amax(dim=1) > 1e-6).double().mean().item()


def reaches(mask: Tensor) -> dict[str, float]:
    """`reach` of five representations of a mask (H, W): the share of its pixels, or outline."""
    box, ring = tight_boxes(mask[None]), ring_of(mask)
    coarse = interpolate(signed_distance(mask)[None, None], size=14, mode="bilinear")

    def paste(grid: Tensor) -> Tensor:
        return from_grid(grid, box, *mask.shape, threshold=None).view(-1, 1)

    def enlarge(distance: Tensor) -> Tensor:
        return interpolate(distance, size=mask.shape, mode="bilinear").view(-1, 1)

    def walk(corners: Tensor) -> Tensor:  # by index, so that no point slides along its side
        return corners.repeat_interleave(32, 0).lerp(
            corners.roll(-1, 0).repeat_interleave(32, 0),
            (torch.arange(512, dtype=torch.float64) % 32 / 32)[:, None],
        )

    return {
        "14 × 14 area shares": reach(paste, to_grid(mask[None], box, 14)),
        "14 × 14 distances": reach(enlarge, coarse),
        "16 corners": reach(walk, resample(ring, 16)),
        "17 Fourier coefficients": reach(from_fourier, fourier_descriptor(ring, 8)),
        "16 control points": reach(from_bspline, fit_bspline(ring, 16)),
    }
