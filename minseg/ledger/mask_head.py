"""The mask head: its layers, its numbers, its answer on the image: C18, C46 to C49."""

from __future__ import annotations

import torch

from minseg.data import coins_truth
from minseg.ledger.measured import Measured, mean_sd
from minseg.ledger.results import result
from minseg.masks import from_grid, to_grid
from minseg.metrics import mask_iou
from minseg.models import MaskHead


def _count(head: MaskHead) -> int:
    return sum(parameter.numel() for parameter in head.parameters())


def c18() -> Measured:
    """A mask is 28 × 28 logits for each RoI and class, with a sigmoid cell by cell."""
    truth = coins_truth()
    cells = to_grid(truth.masks, truth.boxes, 28)
    half_cell = (truth.boxes[:, 2:] - truth.boxes[:, :2]).repeat(1, 2) / 56
    where = {
        "both halves": truth.boxes,
        "without the cell's": truth.boxes - half_cell,
        "without the pixel's": truth.boxes + 0.5,
    }
    iou = {
        name: mask_iou(from_grid(cells, boxes, 303, 384), truth.masks).diagonal()
        for name, boxes in where.items()
    }
    worst = max(iou["without the cell's"].mean(), iou["without the pixel's"].mean())
    told = (f"{name}: IoU {mean_sd(values.tolist(), 3)}" for name, values in iou.items())
    return Measured(
        f"24 coins, {'; '.join(told)}.",
        bool(iou["both halves"].mean() > 0.995 > 0.97 > worst),
    )


def c46() -> Measured:
    """Four convolutions, one deconvolution, one 1 × 1 convolution; 14 × 14 becomes 28 × 28."""
    head, grid = MaskHead(), torch.zeros(1, 256, 14, 14)  # the defaults are the paper's
    inside = head.trunk(grid)
    way = [tuple(part.shape[1:]) for part in (grid, inside, head.up(inside), head(grid))]
    return Measured(f"{' → '.join(map(str, way))}.", way[2:] == [(256, 28, 28), (80, 28, 28)])


def c47() -> Measured:
    """The mask head has about 1 million parameters in its standard configuration."""
    count, narrow = _count(MaskHead()), _count(MaskHead(256, 145))
    return Measured(
        f"{count:,} parameters; {narrow:,} if its layers were 145 channels wide.",
        count == 2_643_280 and abs(narrow - 1e6) < 2e4,
    )


def c48() -> Measured:
    """A class-specific head puts out C masks for each RoI, a class-agnostic one a single mask."""
    grid = torch.zeros(1, 256, 14, 14)
    ends = [tuple(head(grid).shape[1:]) for head in (MaskHead(), MaskHead(class_agnostic=True))]
    return Measured(f"{ends[0]} and {ends[1]} for each RoI.", ends == [(80, 28, 28), (1, 28, 28)])


def c49() -> Measured:
    """Class-specific masks suit shapes, class-agnostic ones generalise better and are smaller."""
    found = result("unseen")
    specific, agnostic = found["class-specific"], found["class-agnostic"]
    told = [
        f"{mean_sd(head['taught'])} and {mean_sd(head['not taught'])}"
        for head in (specific, agnostic)
    ]
    fewer = 100 * (1 - _count(MaskHead(class_agnostic=True)) / _count(MaskHead()))
    gap = sum(agnostic["not taught"]) - sum(specific["not taught"])
    return Measured(
        f"five seeds, mask IoU of two classes that were taught and of one that was not: {told[0]} "
        f"class-specific, {told[1]} class-agnostic. The latter has {fewer:.1f} % fewer parameters.",
        gap / 5 > 0.1 and fewer < 1,
    )
