"""One loss of five gets another weight: some optimisers mind, others do not.

    L = L_rpn_objectness + L_rpn_box + L_class + L_box + w · L_mask

A step of gradient descent is proportional to w in all that only the mask loss reaches, as is one
with momentum. Adam divides each parameter's step by the usual size of its own gradient, so that
there w cancels (Kingma and Ba, Adam, 2015, section 2.1). Here a small Mask R-CNN is trained with
either. No gradient is clipped and no image is changed, so that only w differs from run to run.
Lesson 09.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch.nn import Parameter
from torch.optim import SGD, Adam, Optimizer

from minseg.models import MaskRCNN
from minseg.train import Example

BATCH = 4
OPTIMISERS: dict[str, Callable[[Iterable[Parameter]], Optimizer]] = {
    "Adam": partial(Adam, lr=3e-3),
    "SGD": partial(SGD, lr=0.02, momentum=0.9),
}


def small() -> MaskRCNN:
    """The same one at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskRCNN(widths=(16, 32, 48, 64), channels=32, box_width=64, mask_width=32)


def train_weighted(
    weight: float, optimiser: str, scenes: Sequence[Example], *, steps: int = 60
) -> list[dict[str, float]]:
    """Train with `weight` on the mask loss and 1 on the others.

    Args:
        optimiser: one of `OPTIMISERS`.
        scenes: gone through in order, `BATCH` at a step, and from the start again at the end.

    Returns:
        The five losses before each step, without the weight.
    """
    model, rows = small(), []
    learner = OPTIMISERS[optimiser](model.parameters())
    for step in range(steps):
        seeds = range(BATCH * step, BATCH * (step + 1))
        batch = [scenes[k % len(scenes)] for k in seeds]
        images, truths = [s.image for s in batch], [s.instances for s in batch]
        losses = model.losses(images, truths, seeds=seeds)
        rows.append({name: loss.item() for name, loss in losses.items()})
        weighted = {**losses, "mask": weight * losses["mask"]}
        learner.zero_grad()
        torch.stack(list(weighted.values())).sum().backward()
        learner.step()
    return rows
