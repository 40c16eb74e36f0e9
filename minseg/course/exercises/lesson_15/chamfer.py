"""Exercise 15.chamfer: how far two sets of points are from one another.

To write: f(a, b), (n, 2) and (m, 2), to the mean distance to the nearest point of the other set,
both directions added; 0 if both are empty, infinite if one is. The answer is `chamfer_distance`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.losses import chamfer_distance


def point_sets(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """Curves that cross, sets of different size, one inside the other, equal, empty."""
    s = torch.linspace(-3, 3, 13, dtype=torch.float64)
    yield torch.stack([s, 0 * s], dim=1), torch.stack([0 * s, s], dim=1)
    yield torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
    a = 10 * torch.rand(7, 2, generator=generator, dtype=torch.float64)
    b = 10 * torch.rand(2, 19, generator=generator, dtype=torch.float64).T
    yield a, b
    yield b, a
    yield a, a.clone()
    yield torch.zeros(0, 2), torch.ones(3, 2)
    yield torch.zeros(0, 2), torch.zeros(0, 2)


def _chamfer_of(pick: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def chamfer_with_a_mistake(a: Tensor, b: Tensor) -> Tensor:
        if not len(a) or not len(b):
            return chamfer_distance(a, b)
        pairs = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
        return pick(pairs.amin(1), pairs.amin(0), pairs)

    return chamfer_with_a_mistake


def finds_nothing_at_infinity(a: Tensor, b: Tensor) -> Tensor:
    return chamfer_distance(a, b) if len(a) and len(b) else torch.tensor(0.0)


def divides_by_no_points(a: Tensor, b: Tensor) -> Tensor:
    return chamfer_distance(a, b) if len(a) and len(b) else torch.tensor(math.nan)


def pairs_in_order(a: Tensor, b: Tensor) -> Tensor:
    n = min(len(a), len(b))
    if not n:
        return chamfer_distance(a, b)
    return 2 * (a[:n] - b[:n]).square().sum(1).sqrt().mean()


CHAMFER = Exercise(
    "15.chamfer",
    reference=chamfer_distance,
    cases=point_sets,
    hints=(
        "`torch.cdist(a, b)` has the distance of every pair, (n, m). What is the nearest b of each "
        "a?",
        "A minimum along each dimension, the mean of each, and the sum of the two means.",
        "Without points there is no minimum: two empty sets are at 0, an empty and another one at "
        "infinity. Ask for that first.",
    ),
    mistakes={
        "takes_the_smallest": (
            _chamfer_of(lambda there, back, pairs: pairs.min()),
            "That is the smallest distance between the sets, which is 0 as soon as they touch. "
            "Average over all points instead.",
        ),
        "goes_one_way": (
            _chamfer_of(lambda there, back, pairs: there.mean()),
            "You go from a to b only, so that one point on the true outline would be perfect. Add "
            "the way back.",
        ),
        "goes_the_other_way": (
            _chamfer_of(lambda there, back, pairs: back.mean()),
            "You go from b to a only. Add the way there.",
        ),
        "takes_the_largest": (
            _chamfer_of(lambda there, back, pairs: torch.maximum(there.max(), back.max())),
            "That is Hausdorff's distance. Chamfer averages where Hausdorff takes the largest.",
        ),
        "sums": (
            _chamfer_of(lambda there, back, pairs: there.sum() + back.sum()),
            "You sum over the points, so that twice as many points cost twice as much. Average.",
        ),
        "squares": (
            _chamfer_of(lambda there, back, pairs: there.square().mean() + back.square().mean()),
            "You square the distances, as much point cloud code does. Here they are plain.",
        ),
        "halves": (
            _chamfer_of(lambda there, back, pairs: (there.mean() + back.mean()) / 2),
            "You average the two directions. Here they are added.",
        ),
        "pools": (
            _chamfer_of(lambda there, back, pairs: 2 * torch.cat([there, back]).mean()),
            "You pool all distances, so that the larger set decides. Average each direction alone.",
        ),
        "averages_all_pairs": (
            _chamfer_of(lambda there, back, pairs: 2 * pairs.mean()),
            "You average over all pairs. Only the nearest point of the other set counts.",
        ),
        "pairs_in_order": (
            pairs_in_order,
            "You compare the first point with the first, and so on. Sets have no order: find the "
            "nearest.",
        ),
        "finds_nothing_at_infinity": (
            finds_nothing_at_infinity,
            "An empty set and another one are at 0 in your version, so that predicting nothing "
            "would be perfect. Infinity.",
        ),
        "divides_by_no_points": (
            divides_by_no_points,
            "Empty sets give NaN in your version: two of them are at 0, one and another at "
            "infinity.",
        ),
    },
)
