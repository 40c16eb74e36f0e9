"""Muon: momentum whose step has equal singular values.

The gradient of a layer is a matrix, G = U Σ Vᵀ, and a few of its singular values hold nearly all
of its size. A step along it, or along Adam's version of it, moves a layer in these few directions;
in all others it hardly learns. Muon moves as far in every direction: it sets all singular values
to 1,

    M ← μ M + G;    N = μ M + G = U Σ Vᵀ;    W ← W − γ s U Vᵀ,     s = scale · √max(rows, columns)

No decomposition is needed. X ← (a + b XXᵀ + c (XXᵀ)²) X keeps U and V and takes each singular value
x to a x + b x³ + c x⁵; five rounds bring all that begin between 0.002 and 1 to between 0.68 and
1.21, near enough. XXᵀ is small where X is long, so the rounds are done with it alone.

(Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024, which has a, b, c.
√max makes a step as large as one of AdamW's, so one learning rate serves both: Liu et al., Muon is
Scalable for LLM Training, 2025, section 2.2, there with scale 0.2.) A kernel (out, in, h, w) is the
matrix (out, in·h·w). Unit 42 trains with it.

The library call is `torch.optim.Muon` (PyTorch 2.9 or newer), for matrices only and in bfloat16
inside. With `adjust_lr_fn="match_rms_adamw"` and our scale at 0.2 its steps are these, but for the
rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

QUINTIC = (3.4445, -4.7750, 2.0315)  # a, b, c


class Muon(Optimizer):
    """Momentum whose step has equal singular values, for parameters of two or more axes.

    Args:
        parameters: matrices or kernels, tensors or groups of them.
        learning_rate: γ.
        momentum: μ.
        weight_decay: a step shrinks weights by this share of γ first.
        scale: the root mean square of a weight's step, in learning rates; 0.2 is AdamW's.

    Raises:
        ValueError: if a parameter has fewer than two axes, or a number is out of its range.

    Example:
        >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
        >>> weight.grad = torch.diag(torch.tensor([1.0, 0.01]))  # hardly anything in one direction
        >>> Muon([weight], learning_rate=0.1, scale=1.0).step()
        >>> [round(x, 1) for x in weight.diag().tolist()]  # −0.1 · √2 · about 0.7 in both
        [-0.1, -0.1]
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        learning_rate: float = 3e-3,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        scale: float = 0.4,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")
        for name, value in (("learning_rate", learning_rate), ("scale", scale)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be 0 or more, got {weight_decay}")
        options = {"momentum": momentum, "weight_decay": weight_decay, "scale": scale}
        super().__init__(parameters, {"lr": learning_rate, **options})
        for parameter in (p for group in self.param_groups for p in group["params"]):
            if parameter.ndim < 2:
                raise ValueError(
                    f"parameters must have two axes or more, got {tuple(parameter.shape)}: "
                    f"biases and scales are for AdamW"
                )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            # momentum: a matrix for each weight, (R, C)
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            aheads = self._ahead(weights, group["momentum"])

            # the same directions with equal singular values
            steps = orthogonalise(aheads)

            # decay, then the step, as long as one of AdamW's
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            for weight, step in zip(weights, steps, strict=True):
                size = group["lr"] * group["scale"] * max(step.shape) ** 0.5
                weight.sub_(step.reshape(weight.shape), alpha=size)
        return loss

    def _ahead(self, weights: Sequence[Tensor], momentum: float) -> list[Tensor]:
        """(R, C) each: gradients added to the running sums, where momentum will go next (Nesterov).

        `torch._foreach_…` are the same operations on a list of tensors, in one call.
        """
        for weight in weights:
            if "momentum" not in self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        totals = [self.state[weight]["momentum"] for weight in weights]
        gradients = [weight.grad for weight in weights if weight.grad is not None]  # all have one
        torch._foreach_mul_(totals, momentum)
        torch._foreach_add_(totals, gradients)
        aheads = torch._foreach_add(gradients, totals, alpha=momentum)
        return [ahead.flatten(1) for ahead in aheads]


def orthogonalise(matrices: Sequence[Tensor], rounds: int = 5) -> list[Tensor]:
    """About U Vᵀ of each matrix U Σ Vᵀ: the same directions, all as long.

    Args:
        matrices: (R, C) each, floating point.
        rounds: of Newton and Schulz's iteration.

    Returns:
        (R, C) each; zeros for a matrix of zeros.

    Example:
        >>> (step,) = orthogonalise([torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.3]])])
        >>> [[round(x, 1) for x in row] for row in step.tolist()]
        [[0.7, 0.0, 0.0], [0.0, 0.0, 0.7]]
    """
    # wide, so that XXᵀ is the small one; no singular value above 1
    wide = [m if m.shape[0] <= m.shape[1] else m.T for m in matrices]  # (R, C), R ≤ C
    wide = [x / x.norm().clamp(min=torch.finfo(x.dtype).tiny) for x in wide]

    # all matrices with as many rows at once: a layer alone keeps few cores busy
    steps = list(wide)
    for rows in {len(x) for x in wide}:
        same = [k for k, x in enumerate(wide) if len(x) == rows]
        grams = torch.stack([wide[k] @ wide[k].T for k in same])  # (N, R, R)
        for k, factor in zip(same, _factors(grams, rounds), strict=True):
            steps[k] = factor @ wide[k]

    # tall again where they were
    return [s if m.shape == s.shape else s.T for m, s in zip(matrices, steps, strict=True)]


def _factors(grams: Tensor, rounds: int) -> Tensor:
    """(N, R, R): all rounds in one matrix to multiply each X with, from its XXᵀ."""
    a, b, c = QUINTIC
    products = torch.eye(grams.shape[1], dtype=grams.dtype, device=grams.device).expand_as(grams)
    for done in range(rounds):
        factors = torch.baddbmm(grams, grams, grams, beta=b, alpha=c)  # b XXᵀ + c (XXᵀ)²
        factors.diagonal(dim1=1, dim2=2).add_(a)
        products = factors @ products if done else factors
        if done < rounds - 1:
            grams = factors @ grams @ factors  # those of factor @ X
    return products
