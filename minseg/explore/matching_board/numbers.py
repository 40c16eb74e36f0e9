"""What the matching board shows: the cost of every pair, and which prediction answers for which.

A pair's cost is a weighted sum of terms, by one of three rules: what DETR publishes (class and
box), the class alone, or class and mask, which MaskFormer made of it. All arithmetic is
`minseg.losses.matching`'s: a term is the cost with the other weights at 0. Unit 53.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import shape_masks
from minseg.explore.base.values import Box
from minseg.losses import detr_cost, hungarian_match, mask_cost

CLASSES = ("disc", "box", "triangle")  # the last channel, after them, is "no object"
RULES = {"boxes": "class and box (DETR)", "classes": "class alone", "masks": "class and mask"}
TERMS = {"class": "class", "box": "box distance", "giou": "GIoU", "dice": "mask Dice"}
OF_RULE = {"boxes": ("class", "box", "giou"), "classes": ("class",), "masks": ("class", "dice")}
WEIGHTS = {"class": 1.0, "box": 5.0, "giou": 2.0, "dice": 2.0}
TRUTHS: tuple[tuple[str, Box], ...] = (  # they are called A, B, C
    ("disc", (18.0, 34.0, 78.0, 94.0)),
    ("disc", (92.0, 28.0, 148.0, 84.0)),
    ("box", (156.0, 78.0, 222.0, 140.0)),
)
PREDICTIONS: tuple[tuple[str, Box, float], ...] = (  # kind, box, its class's probability
    ("disc", (60.0, 32.0, 118.0, 90.0), 0.92),
    ("disc", (112.0, 8.0, 170.0, 62.0), 0.85),
    ("box", (160.0, 84.0, 226.0, 144.0), 0.90),
    ("box", (148.0, 70.0, 214.0, 136.0), 0.74),
    ("triangle", (24.0, 100.0, 76.0, 150.0), 0.66),
)
SIZE = HEIGHT, WIDTH
SURE = 20.0  # the logit of a pixel that is in a predicted mask
LEAST = 1e-6  # the probability of a class that a prediction does not name


def numbers(
    predictions: Sequence[tuple[str, Box, float]],
    *,
    rule: str = "boxes",
    weights: Mapping[str, float] = WEIGHTS,
    chosen: int = 0,
) -> dict[str, Any]:
    """What the browser draws.

    Args:
        predictions: (kind, box in pixels, probability of its kind) of each of Q.
        rule: one of `RULES`, which terms a cost has.
        weights: of each of `TERMS`; a rule reads those of its own terms.
        chosen: the prediction whose terms are told.

    Returns:
        `cost`, a text for each pair, (Q, n); `pairs` and `greedy`, [prediction, truth] each;
        `owner`, the truth of each prediction or −1; `terms`, rows of the chosen prediction;
        `total`, `cheapest_first`, `facts`.
    """
    terms = terms_of(predictions, rule, weights)
    cost = torch.stack([value for _, value in terms]).sum(dim=0)  # (Q, n)
    pairs = _pairs(*hungarian_match(cost))
    greedy = cheapest_first(cost)
    total, other = total_of(cost, pairs), total_of(cost, greedy)
    owner = dict(pairs)
    return {
        "cost": [[_signed(value) for value in row] for row in cost.tolist()],
        "pairs": [list(pair) for pair in pairs],
        "greedy": [list(pair) for pair in greedy],
        "owner": [owner.get(k, -1) for k in range(len(predictions))],
        "terms": _term_rows(terms, cost, chosen),
        "total": _signed(total),
        "cheapest_first": _signed(other),
        "facts": _facts(pairs, total, other, len(predictions)),
    }


def terms_of(
    predictions: Sequence[tuple[str, Box, float]], rule: str, weights: Mapping[str, float]
) -> list[tuple[str, Tensor]]:
    """The terms of a rule by name, each (Q, n) float64 and weighted."""
    logits = log_probabilities(predictions)
    boxes = as_shares([box for _, box, _ in predictions])
    truths = as_shares([box for _, box in TRUTHS])
    labels = torch.tensor([CLASSES.index(kind) for kind, _ in TRUTHS])

    def alone(term: str) -> Tensor:
        if term == "dice":
            kinds, where = zip(*TRUTHS, strict=True)
            pair = sure_masks(predictions), labels, shape_masks(kinds, where, SIZE)
            return mask_cost(logits, *pair, class_weight=0, dice_weight=weights[term])
        none = {"class_weight": 0.0, "box_weight": 0.0, "giou_weight": 0.0}
        only = {**none, f"{term}_weight": weights[term]}
        return detr_cost(logits, boxes, labels, truths, **only)

    return [(TERMS[term], alone(term).double()) for term in OF_RULE[rule]]


def log_probabilities(predictions: Sequence[tuple[str, Box, float]]) -> Tensor:
    """(Q, C + 1) float64: a prediction's class has its probability, "no object" has the rest."""
    p = torch.full((len(predictions), len(CLASSES) + 1), LEAST, dtype=torch.float64)
    for k, (kind, _, probability) in enumerate(predictions):
        p[k, CLASSES.index(kind)] += probability
        p[k, -1] += 1 - probability
    return p.log()


def as_shares(boxes: Sequence[Box]) -> Tensor:
    """(N, 4) float64 (cx, cy, w, h) as shares of the image, from corners in pixels."""
    corners = torch.tensor(boxes, dtype=torch.float64)  # (N, 4)
    low, high = corners[:, :2], corners[:, 2:]
    scale = torch.tensor([WIDTH, HEIGHT], dtype=torch.float64)
    return torch.cat([(low + high) / 2 / scale, (high - low) / scale], dim=1)


def sure_masks(predictions: Sequence[tuple[str, Box, float]]) -> Tensor:
    """(Q, H, W) logits of the predicted masks, which are sure of every pixel."""
    kinds, boxes, _ = zip(*predictions, strict=True)
    return 2 * SURE * shape_masks(kinds, boxes, SIZE).float() - SURE


def cheapest_first(cost: Tensor) -> list[tuple[int, int]]:
    """Pairs (row, column) taken by rising cost, each row and each column once, rows ascending.

    >>> cheapest_first(torch.tensor([[0.0, 1.0], [2.0, 9.0]]))  # 0 + 9, where 1 + 2 is possible
    [(0, 0), (1, 1)]
    """
    left, pairs = cost.clone(), []
    for _ in range(min(cost.shape)):
        i, j = divmod(int(left.argmin()), cost.shape[1])
        pairs.append((i, j))
        left[i], left[:, j] = torch.inf, torch.inf
    return sorted(pairs)


def total_of(cost: Tensor, pairs: Sequence[tuple[int, int]]) -> float:
    """The sum of the costs of some pairs."""
    return sum(cost[i, j].item() for i, j in pairs)


def letter(truth: int) -> str:
    """What a truth is called."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[truth]


def _pairs(i: Tensor, j: Tensor) -> list[tuple[int, int]]:
    return list(zip(i.tolist(), j.tolist(), strict=True))


def _term_rows(terms: Sequence[tuple[str, Tensor]], cost: Tensor, chosen: int) -> list[list[str]]:
    """A row for each term of the chosen prediction, and their sum; a column for each truth."""
    rows = [[name, *map(_signed, value[chosen].tolist())] for name, value in terms]
    return [*rows, ["cost", *map(_signed, cost[chosen].tolist())]]


def _facts(pairs: Sequence[tuple[int, int]], total: float, other: float, count: int) -> str:
    told = ", ".join(f"{i + 1} answers for {letter(j)}" for i, j in pairs)
    taught = {i for i, _ in pairs}
    rest = [str(k + 1) for k in range(count) if k not in taught]
    nothing = f"; {' and '.join(rest)} learn “no object”" if rest else ""
    greedy = "the same" if abs(total - other) < 5e-3 else _signed(other)
    return f"{told}{nothing}. Total {_signed(total)}; cheapest pair first: {greedy}."


def _signed(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")
