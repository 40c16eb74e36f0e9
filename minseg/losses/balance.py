"""Weights for several losses that are learnt together.

A model of this course minimises L = Σ_i w_i L_i. Three ways to choose w_i, beside choosing them:

*Uncertainty* (Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty, 2018, section 3).
With a learnt log variance s_i = log σ_i²,

    regression       ½ e^{−s} L + ½ s           classification       e^{−s} L + ½ s

For fixed L the first is smallest at e^s = L, the second at e^s = 2L; either way the weighted loss
is ½ and what remains is ½ Σ log L_i: only ratios of losses count, whatever their units.

*Gradients* (in the spirit of Chen et al., GradNorm, 2018, who learn the weights):
λ_i = ‖∇L_primary‖ / ‖∇L_i‖ on the parameters that the tasks share. Norms become equal, directions
stay as they are.

*Difficulty*. λ_i(0) exp(−r_i) lowers the weight where the ratio r_i is large, so of the task with
the *larger* ratio. Dynamic weight averaging (Liu, Johns and Davison, End-to-End Multi-Task Learning
with Attention, 2019, section 3.3) is defined: w_i = K softmax_i(L_i(t−1) / L_i(t−2) / T) raises it
where a loss falls slowly.

Fixed weights are hard to beat: all of them 1, with enough regularisation (Kurin et al., In Defense
of the Unitary Scalarization, 2022), or tuned (Xin et al., Do Current Multi-Task Optimization
Methods in Deep Learning Even Help?, 2022). Mask R-CNN trains with 1. Unit 43 compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from minseg.precision import at_least_float32

LARGEST = 10.0  # of |s|: weights stay within e^±10, also where a loss goes to 0


class UncertaintyWeights(nn.Module):
    """Losses weighted by a learnt log variance each.

    Args:
        kinds: by name of loss, "regression" or "classification".
        largest: bound of |s|; what an optimiser moves beyond it is put back by the next call.

    Raises:
        ValueError: if there is no loss, or a kind is neither.

    >>> balance = UncertaintyWeights({"box": "regression", "class": "classification"})
    >>> {name: round(w.item(), 2) for name, w in balance.weights().items()}  # at first
    {'box': 0.5, 'class': 1.0}
    """

    def __init__(self, kinds: Mapping[str, str], *, largest: float = LARGEST) -> None:
        super().__init__()
        if not kinds or set(kinds.values()) - {"regression", "classification"}:
            raise ValueError(
                f"kinds must say 'regression' or 'classification' for each loss, got {dict(kinds)}"
            )
        self.kinds, self.largest = dict(kinds), largest
        self.log_variance = nn.Parameter(torch.zeros(len(kinds)))  # s, in the order of kinds

    def weights(self) -> dict[str, Tensor]:
        """½e^{−s} or e^{−s} of each loss, without gradient."""
        s = self.log_variance.detach().clamp(-self.largest, self.largest)
        return dict(zip(self.kinds, self._scale(s).unbind(), strict=True))

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weighted losses with their ½s, to be summed.

        Args:
            losses: () each, by the names of `kinds`; not negative, or the optimum is at −∞.

        Raises:
            ValueError: if the names differ.
        """
        if losses.keys() != self.kinds.keys():
            raise ValueError(f"losses must be {list(self.kinds)}, got {list(losses)}")
        with torch.no_grad():  # back onto the bound: a clamp in the graph would stop the way back
            self.log_variance.clamp_(-self.largest, self.largest)
        s = self.log_variance
        values = torch.stack([losses[name] for name in self.kinds])  # (K,)
        weighted = self._scale(s) * values + s / 2  # without + s / 2 it would pay to let s grow
        return dict(zip(self.kinds, weighted.unbind(), strict=True))

    def _scale(self, s: Tensor) -> Tensor:
        """(K,) what a loss is multiplied by."""
        half = [0.5 if kind == "regression" else 1.0 for kind in self.kinds.values()]
        return s.new_tensor(half) * (-s).exp()


def gradient_balance(
    losses: Mapping[str, Tensor],
    parameters: Sequence[Tensor],
    primary: str,
    *,
    eps: float = 1e-8,
) -> dict[str, Tensor]:
    """Weights that make every loss pull as hard at the shared parameters as the primary one.

    Args:
        losses: () each, by name; their graphs are kept for the backward pass to come.
        parameters: those that all tasks share, say of the backbone.
        primary: the name of the loss that keeps weight 1.
        eps: added to the norm divided by; a loss that does not reach the parameters would else
            have an infinite weight.

    Returns:
        () weights by name, without gradient.

    Raises:
        ValueError: if `primary` is not among the losses or there are no parameters.

    >>> shared = torch.tensor([2.0], requires_grad=True)
    >>> losses = {"box": 3 * shared.sum(), "mask": 12 * shared.sum()}
    >>> {name: round(w.item(), 2) for name, w in gradient_balance(losses, [shared], "box").items()}
    {'box': 1.0, 'mask': 0.25}
    """
    if primary not in losses:
        raise ValueError(f"primary must be one of {list(losses)}, got {primary!r}")
    parameters = list(parameters)
    if not parameters:
        raise ValueError("parameters must hold those that the losses share, got none")
    norms = {name: _gradient_norm(loss, parameters) for name, loss in losses.items()}
    weights = {name: norms[primary] / (norm + eps) for name, norm in norms.items()}
    return weights | {primary: torch.ones_like(norms[primary])}


def _gradient_norm(loss: Tensor, parameters: list[Tensor]) -> Tensor:
    """‖∇ loss‖ over all parameters together; 0 where it reaches none."""
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    squares = [at_least_float32(g.detach()).square().sum() for g in gradients if g is not None]
    total = torch.stack(squares).sum() if squares else torch.zeros_like(loss.detach())
    return at_least_float32(total).sqrt()


def difficulty_weights(ratio: Tensor, initial: Tensor | float = 1.0) -> Tensor:
    """λ(0) exp(−ratio): the larger the ratio of a task, the lower its weight.

    Args:
        ratio: (K,) how difficult each task is, however that is measured.
        initial: λ(0), a number or (K,).

    Raises:
        ValueError: if `ratio` is not a vector.

    >>> difficulty_weights(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.3679])
    """
    if ratio.ndim != 1:
        raise ValueError(f"ratio must be (K,), got {tuple(ratio.shape)}")
    return torch.as_tensor(initial) * (-ratio).exp()


def dynamic_weight_average(
    last: Tensor, before: Tensor | None = None, *, temperature: float = 2.0
) -> Tensor:
    """K softmax(L(t−1) / L(t−2) / T): the slower the loss of a task falls, the higher its weight.

    Args:
        last: (K,) L(t−1), the mean of each loss over the last epoch.
        before: (K,) L(t−2), over the epoch before it; None in the first two epochs, when all
            weights are 1.
        temperature: T; the larger, the more equal the weights.

    Returns:
        (K,), with the sum K; float32 for half types.

    Raises:
        ValueError: if the losses are not vectors of one length, a loss to divide by or the
            temperature is not above 0.

    >>> dynamic_weight_average(torch.tensor([0.9, 0.5]), torch.tensor([1.0, 1.0]))
    tensor([1.0997, 0.9003])
    """
    if last.ndim != 1 or (before is not None and before.shape != last.shape):
        shapes = tuple(last.shape), None if before is None else tuple(before.shape)
        raise ValueError(f"last and before must be vectors of one length, got {shapes}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    last = at_least_float32(last)
    if before is None:
        return torch.ones_like(last)
    before = at_least_float32(before)
    if not (before > 0).all():
        raise ValueError(f"before must be losses above 0, got {before.tolist()}")
    return len(last) * (last / before / temperature).softmax(dim=0)
