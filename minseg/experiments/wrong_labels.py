"""A circle to learn from points, some of which are labelled wrong: what hard mining does then.

Points lie in the square [−1, 1]², those within 0.8 of the centre are positive, and a share of the
labels has been turned over. The classifier is logistic regression on 64 waves of random direction,

    p(x) = σ(w · cos(Ωx + φ) + b)          loss of a point: BCE(p, its written label)

(random features: Rahimi and Recht, Random Features for Large-Scale Kernel Machines, 2007). It is
trained on the points that a rule picks by their loss, anew at each step. Unit 44.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

RADIUS, WAVES = 0.8, 64


def scatter(count: int, wrong: float, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Points and their labels.

    Args:
        count: of points, N.
        wrong: the share of labels that are turned over, at random.
        seed: of the places and of the mistakes.

    Returns:
        x: (N, 2) float64. true: (N,) bool. written: (N,) bool, the labels that training sees.

    >>> x, true, written = scatter(1000, wrong=0.1)
    >>> x.shape, int((written != true).sum())
    (torch.Size([1000, 2]), 107)
    """
    chance = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(count, 2, generator=chance, dtype=torch.float64) - 1
    true = x.norm(dim=1) < RADIUS
    return x, true, true ^ (torch.rand(count, generator=chance) < wrong)


def score(x: Tensor, w: Tensor) -> Tensor:
    """Points (N, 2) and weights (WAVES + 1,) to logits (N,).

    >>> score(torch.zeros(3, 2, dtype=torch.float64), torch.eye(WAVES + 1).double()[-1]).tolist()
    [1.0, 1.0, 1.0]
    """
    chance = torch.Generator().manual_seed(1)  # the same waves at every call
    waves = 3 * torch.randn(2, WAVES, generator=chance, dtype=torch.float64)
    phases = 2 * torch.pi * torch.rand(WAVES, generator=chance, dtype=torch.float64)
    return torch.cos(x @ waves + phases) @ w[:WAVES] + w[WAVES]


def learn(
    x: Tensor, labels: Tensor, choose: Callable[[Tensor], Tensor], *, steps: int = 200
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Train on the points that `choose` picks: from all losses (N,) to indices (k,).

    Returns:
        w: (WAVES + 1,). each: (N,) the last losses of all points. picks: (k,) for each step.

    >>> x, true, _ = scatter(500, wrong=0.0)
    >>> w, _, picks = learn(x, true, lambda each: each.topk(50).indices)  # the hardest tenth
    >>> len(picks), picks[0].shape, error(w) < 0.05
    (200, torch.Size([50]), True)
    """
    w = torch.zeros(WAVES + 1, dtype=torch.float64, requires_grad=True)
    optimiser, picks = torch.optim.Adam([w], lr=0.03), []
    for _ in range(steps):
        each = F.binary_cross_entropy_with_logits(score(x, w), labels.to(w), reduction="none")
        picks.append(choose(each.detach()))
        optimiser.zero_grad()
        each[picks[-1]].mean().backward()
        optimiser.step()
    return w.detach(), each.detach(), picks


def error(w: Tensor, count: int = 5000) -> float:
    """The share of fresh points that are classified wrong.

    >>> round(error(torch.zeros(WAVES + 1, dtype=torch.float64)), 2)  # without weights, half are
    0.51
    """
    x, true, _ = scatter(count, 0.0, seed=9)
    return float(((score(x, w) > 0) != true).double().mean())
