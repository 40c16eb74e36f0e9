"""What the suppression board shows: the scores after four rules, and one mask's rivals.

Four rules read the same masks, classes and scores: greedy NMS, Soft-NMS, Matrix NMS, and the
product that Matrix NMS is sometimes told as. What is left of each score decides who is kept. All
arithmetic is `minseg.models.suppression`'s. Unit 52.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import OUTLINES, shape_masks
from minseg.explore.base.values import Box
from minseg.models.suppression import mask_nms, matrix_nms, matrix_nms_product, soft_nms
from minseg.models.suppression.kernel import decay_by, rivals

Mask = tuple[str, Box, float]  # kind, which is its class; box; score

CLASSES = ("disc", "box", "triangle")
RULES = {"greedy": "greedy", "soft": "soft", "matrix": "matrix", "product": "product"}
PRESETS: dict[str, tuple[Mask, ...]] = {
    "duplicates and a neighbour": (
        ("disc", (20.0, 40.0, 92.0, 112.0), 0.94),
        ("disc", (26.0, 46.0, 96.0, 116.0), 0.86),
        ("disc", (14.0, 44.0, 88.0, 120.0), 0.61),
        ("disc", (64.0, 30.0, 128.0, 94.0), 0.79),
        ("box", (158.0, 62.0, 222.0, 134.0), 0.90),
        ("box", (150.0, 56.0, 214.0, 126.0), 0.72),
    ),
    "a chain of three": (
        ("box", (40.0, 50.0, 136.0, 110.0), 0.90),
        ("box", (72.0, 50.0, 168.0, 110.0), 0.80),
        ("box", (104.0, 50.0, 200.0, 110.0), 0.70),
    ),
    "twins with one score": (
        ("disc", (80.0, 40.0, 160.0, 120.0), 0.80),
        ("disc", (80.0, 40.0, 160.0, 120.0), 0.80),
    ),
    "triplets": (
        ("disc", (80.0, 40.0, 160.0, 120.0), 0.90),
        ("disc", (80.0, 40.0, 160.0, 120.0), 0.80),
        ("disc", (80.0, 40.0, 160.0, 120.0), 0.70),
    ),
    "two classes": (
        ("disc", (70.0, 40.0, 150.0, 120.0), 0.90),
        ("box", (76.0, 44.0, 148.0, 116.0), 0.80),
        ("disc", (84.0, 46.0, 164.0, 126.0), 0.70),
    ),
}


def numbers(
    masks: Sequence[Mask],
    *,
    kernel: str = "gaussian",
    sigma: float = 2.0,
    threshold: float = 0.5,
    keep: float = 0.3,
    chosen: int = 0,
) -> dict[str, Any]:
    """What the browser draws.

    Args:
        masks: kind, box in pixels and score of each of N.
        kernel, sigma: what an overlap costs, in all rules but the greedy one.
        threshold: the IoU above which greedy NMS drops a mask.
        keep: the score from which a mask is kept in the end.
        chosen: the mask whose rivals are told.

    Returns:
        `after`, a dictionary of rules with N texts each; `kept`, of rules with N truth values;
        `iou`, texts, (N, N); `rivals`, rows of the chosen mask; `facts`.
    """
    found, labels, scores = as_tensors(masks)
    after = scores_after(found, labels, scores, kernel, sigma, threshold)
    kept = {rule: (left >= keep).tolist() for rule, left in after.items()}
    _, _, ordered = rivals(found, labels, scores)
    order = scores.argsort(descending=True, stable=True)
    overlap = torch.empty_like(ordered)
    overlap[order[:, None], order[None]] = ordered  # back to the masks' own numbers
    return {
        "after": {rule: [f"{left:.2f}" for left in values] for rule, values in after.items()},
        "kept": kept,
        "iou": [[f"{o:.2f}" if o else "·" for o in row] for row in overlap.tolist()],
        "rivals": _rival_rows(ordered, order, chosen, kernel, sigma),
        "facts": _facts(kept, keep),
    }


def as_tensors(masks: Sequence[Mask]) -> tuple[Tensor, Tensor, Tensor]:
    """(N, H, W) bool masks, (N,) labels and (N,) float64 scores."""
    kinds, boxes, scores = zip(*masks, strict=True)
    labels = torch.tensor([list(OUTLINES).index(kind) + 1 for kind in kinds])
    found = shape_masks(kinds, boxes, (HEIGHT, WIDTH))
    return found, labels, torch.tensor(scores, dtype=torch.float64)


def scores_after(
    masks: Tensor, labels: Tensor, scores: Tensor, kernel: str, sigma: float, threshold: float
) -> dict[str, Tensor]:
    """(N,) scores that each of `RULES` leaves; greedy NMS leaves all of a score or nothing."""
    answers = (masks, labels, scores)
    law: dict[str, Any] = {"kernel": kernel, "sigma": sigma}
    stays = torch.zeros_like(scores)
    stays[mask_nms(*answers, threshold)] = 1
    return {
        "greedy": scores * stays,
        "soft": soft_nms(*answers, **law),
        "matrix": matrix_nms(*answers, **law),
        "product": matrix_nms_product(*answers, **law),
    }


def _rival_rows(
    overlap: Tensor, order: Tensor, chosen: int, kernel: str, sigma: float
) -> list[list[str]]:
    """A row for each better mask of the chosen one's class that overlaps it, as Matrix NMS sees it.

    A row is the rival, its overlap o and f(o), its own largest overlap c with a better one and
    f(c), and f(o) / f(c). The chosen mask keeps the least of those ratios.
    """
    place = order.tolist().index(chosen)
    own = overlap.triu(1).amax(dim=0)  # (N,) c of each, best first
    rows = []
    for i in range(place):
        o, c = overlap[i, place], own[i]
        if o > 0:
            f_o, f_c = decay_by(o, kernel, sigma).item(), decay_by(c, kernel, sigma).item()
            ratio = f_o / f_c if f_o else 0.0
            rows.append([str(int(order[i]) + 1), *(f"{v:.2f}" for v in (o, f_o, c, f_c, ratio))])
    return rows


def _facts(kept: dict[str, list[bool]], keep: float) -> str:
    def told(rule: str) -> str:
        names = [str(k + 1) for k, stays in enumerate(kept[rule]) if stays]
        return f"{RULES[rule]} {', '.join(names) or 'none'}"

    return f"Kept from a score of {keep:.2f}: " + "; ".join(told(rule) for rule in RULES) + "."
