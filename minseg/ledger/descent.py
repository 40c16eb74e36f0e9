"""Gradient descent for claims about losses: a field of numbers follows a loss for some steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def descend(
    start: Tensor, loss: Callable[[Tensor], Tensor], *, steps: int = 100, rate: float = 0.3
) -> Tensor:
    """Where a tensor ends that follows the gradient of its loss, in Adam's form.

    >>> round(descend(torch.zeros(1), lambda w: (w - 2).square()).item(), 1)
    2.0
    """
    w = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(w).sum().backward()
        optimiser.step()
    return w.detach()


def enlarge(coarse: Tensor, height: int, width: int) -> Tensor:
    """(1, h, w) to (1, height, width), read between its pixels."""
    size = (height, width)
    return torch.nn.functional.interpolate(coarse[None], size=size, mode="bilinear")[0]
