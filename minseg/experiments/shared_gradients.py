"""Several losses in one backbone: length and angle of their gradients, and what their sum does.

With g_i the gradient of loss L_i on the parameters θ that all losses share, training on Σ w_i L_i
steps along −G, G = Σ w_i g_i. Lengths and angles of all such sums follow from K × K numbers, the
Gram matrix M_ij = g_i · g_j:

    ‖G‖² = wᵀ M w        cos(g_i, G) = (M w)_i / (‖g_i‖ ‖G‖)

and a step of length s along −G changes each loss, to first order, by

    ΔL_i = −s g_i · G / ‖G‖ = −s ‖g_i‖ cos(g_i, G)

So one backward pass for each loss is enough to try any weights. The step raises each loss whose
cosine is negative. The length ‖w_i g_i‖ is called the *pull* of a loss. (Angles between tasks'
gradients: Yu et al., Gradient Surgery for Multi-Task Learning, 2020, section 2.) Unit 43 and its
widget, `BalanceBoard`, use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minseg.data.example import Sample, as_example
from minseg.losses import difficulty_weights
from minseg.models import MaskRCNN

PRESETS = {  # name → how each weight is chosen
    "all 1": "w = 1, as Mask R-CNN trains",
    "equal gradients": "w = ‖g_class‖ / ‖g‖, so that all pull as hard as class",
    "uncertainty": "w = 1 / 2L, the optimum of uncertainty weights; every wL is ½",
    "difficulty": "w = exp(−L / mean L): the notes' formula, with the loss over the mean as ratio",
}


@dataclass(frozen=True)
class SharedGradients:
    """The losses of one batch, and their gradients on the parameters of the backbone."""

    names: tuple[str, ...]
    losses: Tensor  # (K,) float64
    gradients: Tensor  # (K, P) float32
    gram: Tensor  # (K, K) float64

    @property
    def norms(self) -> Tensor:
        """(K,) ‖g_i‖."""
        return self.gram.diagonal().sqrt()

    @property
    def cosines(self) -> Tensor:
        """(K, K) between every two gradients; 0 where one has no length."""
        return self.gram / torch.outer(self.norms, self.norms).clamp(min=1e-30)


@dataclass(frozen=True)
class Balance:
    """What a choice of weights makes of gradients: (K,) each, except for the length of the sum."""

    pulls: Tensor  # ‖w_i g_i‖
    shares: Tensor  # of each in the sum of pulls
    cosines: Tensor  # of each gradient with the weighted sum
    slopes: Tensor  # −‖g_i‖ cos: the change of the loss for each unit of length of the step
    length: float  # ‖Σ w_i g_i‖


def shared_gradients(model: MaskRCNN, scenes: Sequence[Sample]) -> SharedGradients:
    """One backward pass for each loss of the model. Neither weights nor `.grad` change.

    Args:
        model: trained or not, on the CPU.
        scenes: a batch, each with an image (3, H, W) and its instances.

    Raises:
        ValueError: if no parameter of the backbone requires a gradient, there is no scene or
            one has no image.
    """
    shared = _shared(model)
    losses = _losses(model, scenes)
    rows = []
    for loss in losses.values():
        # A loss that does not reach a parameter gives zeros there, not None.
        parts = torch.autograd.grad(loss, shared, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([part.flatten() for part in parts]))
    gradients = torch.stack(rows)  # (K, P)
    exact = gradients.double()  # scalar products of a million terms
    values = torch.stack(list(losses.values())).detach().double()
    return SharedGradients(tuple(losses), values, gradients, exact @ exact.T)


def balance(found: SharedGradients, weights: Tensor) -> Balance:
    """Pulls, shares and angles for weights (K,) above 0.

    >>> rows = torch.tensor([[3.0, 0.0], [-1.0, 1.0]])  # two losses, two shared parameters
    >>> found = SharedGradients(("a", "b"), torch.ones(2), rows, (rows @ rows.T).double())
    >>> now = balance(found, torch.tensor([1.0, 1.0]))
    >>> now.pulls, now.cosines  # the sum is (2, 1)
    (tensor([3.0000, 1.4142], dtype=torch.float64), tensor([ 0.8944, -0.3162], dtype=torch.float64))
    """
    weights = weights.double()
    pulls = weights * found.norms
    along = found.gram @ weights  # (K,) g_i · G
    length = float((weights @ along).clamp(min=0).sqrt())
    slopes = -along / max(length, 1e-30)
    cosines = -slopes / found.norms.clamp(min=1e-30)
    return Balance(pulls, pulls / pulls.sum().clamp(min=1e-30), cosines, slopes, length)


def preset(name: str, found: SharedGradients) -> Tensor:
    """(K,) weights by one of `PRESETS`, as the formula gives them: without bounds.

    Raises:
        ValueError: if there is no preset of that name.

    >>> rows = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    >>> losses = torch.tensor([1.0, 2.0])
    >>> found = SharedGradients(("class", "box"), losses, rows, (rows @ rows.T).double())
    >>> preset("equal gradients", found), preset("uncertainty", found)
    (tensor([1.0000, 3.0000], dtype=torch.float64), tensor([0.5000, 0.2500]))
    """
    if name not in PRESETS:
        raise ValueError(f"name must be one of {', '.join(PRESETS)}, got {name!r}")
    if name == "equal gradients":
        return found.norms[found.names.index("class")] / (found.norms + 1e-8)
    if name == "uncertainty":
        return 1 / (2 * found.losses.clamp(min=1e-8))
    if name == "difficulty":
        return difficulty_weights(found.losses / found.losses.mean())
    return torch.ones(len(found.names), dtype=torch.float64)


def losses_after_step(
    model: MaskRCNN, scenes: Sequence[Sample], found: SharedGradients, weights: Tensor, step: float
) -> Tensor:
    """(K,) the losses where a step of this length along −G leads; the model is put back.

    Anchors and RoIs are sampled with the same random numbers as before. But proposals move with the
    weights, so that other RoIs may be sampled, and a loss may jump.
    """
    shared = _shared(model)
    before = [parameter.detach().clone() for parameter in shared]
    total = weights.to(found.gradients) @ found.gradients  # (P,)
    moves = (-step * total / total.norm().clamp(min=1e-30)).split([p.numel() for p in shared])
    try:
        with torch.no_grad():
            for parameter, move in zip(shared, moves, strict=True):
                parameter.add_(move.view_as(parameter))
            return torch.stack(list(_losses(model, scenes).values())).double()
    finally:
        with torch.no_grad():
            for parameter, value in zip(shared, before, strict=True):
                parameter.copy_(value)


def _shared(model: MaskRCNN) -> list[Tensor]:
    """The parameters that all losses reach: those of the backbone."""
    shared: list[Tensor] = [p for p in model.backbone.parameters() if p.requires_grad]
    if not shared:
        raise ValueError("model must have a backbone whose parameters require gradients, got none")
    return shared


def _losses(model: MaskRCNN, scenes: Sequence[Sample]) -> dict[str, Tensor]:
    """The model's losses on the scenes, with the same random numbers at every call."""
    batch = [as_example(scene, k) for k, scene in enumerate(scenes)]
    images, truths = [one.image for one in batch], [one.instances for one in batch]
    return model.losses(images, truths, seeds=range(len(batch)))
