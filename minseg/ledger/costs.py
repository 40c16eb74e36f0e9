"""What training and comparing cost: C86, C87 and C130."""

from __future__ import annotations

from functools import cache
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import Sequential

from minseg.experiments.activation_memory import in_segments, kept, peak
from minseg.ledger.measured import Measured, seeded
from minseg.ledger.scenes import coin_scenes
from minseg.models import load_coins
from minseg.models.backbone import Residual


@cache
def _mask_rcnn(checkpointing: bool, bf16: bool) -> tuple[float, float]:
    """MiB that a forward pass on four scenes keeps, and the RPN's objectness loss."""
    scenes = coin_scenes(4)
    images, truths = [s.image for s in scenes], [s.instances for s in scenes]
    model = load_coins()
    model.checkpointing = checkpointing
    with torch.autocast("cpu", torch.bfloat16, bf16):
        size, five = kept(lambda: model.losses(images, truths, seeds=range(4)), model)
    return size, five["rpn_objectness"].item()


def _part(checkpointing: bool, bf16: bool) -> int:
    """Percent of plain training's activations, to 5."""
    return round(20 * _mask_rcnn(checkpointing, bf16)[0] / _mask_rcnn(False, False)[0]) * 5


def c86() -> Measured:
    """Gradient checkpointing saves memory for large images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        blocks = Sequential(*(Residual(16) for _ in range(16)))
    x, weights = torch.randn(2, 16, 64, 64, generator=seeded(0)), list(blocks.parameters())
    plain, y = kept(lambda: blocks(x), blocks)
    share = 100 * peak(blocks, x, 4) / plain
    gradients, again = (
        torch.autograd.grad(out.square().mean(), weights) for out in (y, in_segments(blocks, x, 4))
    )
    equal = all(torch.equal(a, b) for a, b in zip(gradients, again, strict=True))
    same_loss = _mask_rcnn(True, False)[1] == _mask_rcnn(False, False)[1]
    return Measured(
        f"16 blocks in 4 segments: {share:.0f} % of the activations at the peak, gradients equal "
        f"to the bit. Mask R-CNN, between the passes: about {_part(True, False)} %.",
        equal and share < 40 and _part(True, False) < 90 and same_loss,
    )


def c87() -> Measured:
    """Mixed precision makes training more efficient."""
    off = abs(_mask_rcnn(False, True)[1] / _mask_rcnn(False, False)[1] - 1)
    ones = torch.ones(300 * 300).half().sum()
    return Measured(
        f"bf16 keeps about {_part(False, True)} % of fp32's activations, with checkpointing less "
        f"than 60 %; the RPN's loss differs by less than 3 %. In fp16 the sum of 300 × 300 ones is "
        f"{'infinite' if ones.isinf() else ones.item()}.",
        _part(True, True) < 60 < _part(False, True) < 75 and off < 0.03 and bool(ones.isinf()),
    )


def _iou_by_loop(masks: Tensor) -> Tensor:
    return torch.tensor([[(a & b).sum() / (a | b).sum() for b in masks] for a in masks])


def _iou_by_product(masks: Tensor) -> Tensor:
    flat = masks.flatten(1).float()
    both, area = flat @ flat.T, flat.sum(dim=1)
    return both / (area[:, None] + area - both)


def c130() -> Measured:
    """Masks are worked on in parallel: the IoU of all pairs is one matrix product."""
    masks = torch.rand(60, 96, 128, generator=seeded(0)) < torch.rand(60, 1, 1, generator=seeded(1))
    took = {}
    for way in (_iou_by_loop, _iou_by_product, _iou_by_product):  # the first product warms up
        start = perf_counter()
        took[way] = way(masks), perf_counter() - start
    (by_loop, slow), (by_product, quick) = took[_iou_by_loop], took[_iou_by_product]
    return Measured(
        "60 masks of 96 × 128, all 3,600 pairs: one product gives the loop's IoU, the same to the "
        "last bit, in less than a third of its time.",
        torch.equal(by_loop, by_product) and quick < slow / 3,
    )
