"""Masks on grids of cells, and how they are made finer: C22 to C25.

Five smooth discs are written down on m × m cells in their boxes and read again; nothing is learnt.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from minseg.experiments import representation_limits as limits
from minseg.instances import tight_boxes
from minseg.ledger.measured import Measured, seeded
from minseg.masks import deconvolution_overlap, deconvolve, from_grid, to_grid
from minseg.metrics import mask_iou

SIZES = np.array([7, 14, 28, 56, 112])  # cells along a side


@cache
def _limits(binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """1 - IoU and boundary IoU for each of SIZES."""
    return limits.grid_limits(limits.smooth_masks(5), SIZES.tolist(), binary=binary)


def c22() -> Measured:
    """14 × 14 is coarse, 28 × 28 standard, 56 × 56 fine."""
    masks = limits.smooth_masks(5)
    boxes = tight_boxes(masks)
    (blocks, at_boundary), (shares, _) = _limits(True), _limits(False)
    pasted = from_grid(to_grid(masks, boxes, 28, binary=True), boxes, *masks.shape[1:])
    between = 1 - mask_iou(masks, pasted).diagonal().mean().item()
    return Measured(
        f"cells of 0 and 1, m = {', '.join(map(str, SIZES))}: IoU "
        f"{', '.join(f'{1 - e:.3f}' for e in blocks)}, boundary IoU "
        f"{', '.join(f'{e:.2f}' for e in at_boundary)}. 1 − IoU at m = 28: {blocks[2]:.3f} as "
        f"blocks, {between:.3f} read bilinearly, {shares[2]:.3f} if the cells hold shares as well.",
        bool((np.diff(at_boundary) > 0.1).all() and shares[2] < between < blocks[2] < 0.1),
    )


def c23() -> Measured:
    """Cost and memory of a mask head grow with the square of its resolution."""
    conv, layer = torch.nn.Conv2d(256, 256, 3, padding=1), torch.nn.Linear
    cost = [4 * limits.multiplications(conv, 256, m, m) for m in (14, 28, 56)]
    dense = [limits.multiplications(layer(64, m * m), 64) for m in (14, 28)]  # and as many weights
    return Measured(
        f"four convolutions: {', '.join(f'{c / 1e6:.0f}' for c in cost)} million multiplications "
        f"at m = 14, 28, 56, with the same "
        f"{4 * sum(p.numel() for p in conv.parameters()) / 1e6:.2f} million parameters. A fully "
        f"connected layer: {dense[1] // dense[0]} times the weights for twice m.",
        cost[1] == 4 * cost[0] and cost[2] == 16 * cost[0] and dense[1] == 4 * dense[0],
    )


def c24() -> Measured:
    """Boundary quality is proportional to the logarithm of the resolution."""
    whole, boundary = _limits(True)[0], 1 - _limits(True)[1]  # errors, by mask and boundary IoU
    off = {}
    for name, error in (("mask", whole), ("boundary", boundary)):
        laws = limits.fit_power(SIZES, error)[1], limits.fit_logarithm(SIZES, error)
        off[name] = [float(np.std(law(SIZES) - error)) for law in laws]
    beyond = 1 - float(limits.fit_logarithm(SIZES, boundary)(448))
    return Measured(
        f"m = 7 to 112, residuals of a power law and of a logarithm: boundary IoU "
        f"{off['boundary'][0]:.2f} and {off['boundary'][1]:.3f}, mask IoU {off['mask'][0]:.4f} and "
        f"{off['mask'][1]:.3f}. At m = 448 the logarithm promises a boundary IoU of {beyond:.2f}.",
        off["boundary"][1] < off["boundary"][0] / 2
        and off["mask"][0] < off["mask"][1] / 5
        and beyond > 1.1,
    )


def c25() -> Measured:
    """Bilinear upsampling is smooth, learned adapts, deconvolution may leave checkerboards."""
    inner = {k: deconvolution_overlap(6, k)[4:8, 4:8].double() for k in (2, 3, 4)}  # ones, by ones
    spread = {k: writes.std(correction=0).item() for k, writes in inner.items()}
    weights = torch.rand(1, 1, 2, 2, generator=seeded(0))
    block = deconvolve(torch.ones(1, 1, 3, 3), weights)[0, 0, 2:4, 2:4]
    return Measured(
        f"spread over the four places of a block, from a constant input: {spread[2]:.0f}, "
        f"{spread[3]:.2f} and {spread[4]:.0f} for k = 2, 3, 4. With four random weights, k = 2 "
        f"gives {', '.join(f'{v:.2f}' for v in block.flatten())}: the weights themselves.",
        spread[2] == spread[4] == 0 < spread[3] and torch.equal(block, weights[0, 0]),
    )
