"""One loss of five gets another weight: with some optimisers it matters, with others not.

    L = L_rpn_objectness + L_rpn_box + L_class + L_box + w · L_mask

For parameters that only the mask loss reaches, a step of gradient descent is proportional to w, as
is one with momentum. Adam divides each parameter's step by the usual size of its own gradient, so
that w cancels there (Kingma and Ba, Adam, 2015, section 2.1). Here a small Mask R-CNN is trained
with either. No gradient is clipped and no image is changed, so that only w differs between runs.
Unit 43.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch.nn import Parameter
from torch.optim import SGD, Adam, Optimizer

from minseg.data.example import Example
from minseg.models import MaskRCNN

BATCH = 4
OPTIMISERS: dict[str, Callable[[Iterable[Parameter]], Optimizer]] = {
    "Adam": partial(Adam, lr=3e-3),
    "SGD": partial(SGD, lr=0.02, momentum=0.9),
}


def small(seed: int = 0) -> MaskRCNN:
    """A small Mask R-CNN, with the same weights at every call with the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MaskRCNN(widths=(16, 32, 48, 64), channels=32, box_width=64, mask_width=32)


def train_weighted(
    weight: float, optimiser: str, scenes: Sequence[Example], *, steps: int = 60, seed: int = 0
) -> list[dict[str, float]]:
    """Train with `weight` on the mask loss and 1 on the others.

    Args:
        weight: of the mask loss, w.
        optimiser: one of `OPTIMISERS`.
        scenes: gone through in order, `BATCH` at a step, and from the start again at the end.
        steps: how many.
        seed: of the first weights.

    Returns:
        The five losses before each step, without the weight.
    """
    model, rows = small(seed), []
    learner = OPTIMISERS[optimiser](model.parameters())
    for step in range(steps):
        # The next images of the data set, with a seed for each.
        seeds = range(BATCH * step, BATCH * (step + 1))
        batch = [scenes[k % len(scenes)] for k in seeds]
        images, truths = [s.image for s in batch], [s.instances for s in batch]
        losses = model.losses(images, truths, seeds=seeds)
        rows.append({name: loss.item() for name, loss in losses.items()})
        # Only the sum that is descended has the weight.
        weighted = {**losses, "mask": weight * losses["mask"]}
        learner.zero_grad()
        torch.stack(list(weighted.values())).sum().backward()
        learner.step()
    return rows
