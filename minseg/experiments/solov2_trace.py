"""SOLOv2 traced on one image: any cell's kernel, and what it makes of the mask features.

A mask of SOLOv2 is a sum over channels, so it can be taken apart:

    logits = Σ_e  K_e ∗ F_e          E terms, one for each channel of the mask features

Here the network has looked at an image once, and any cell can be asked: which classes it sees,
which kernel was written into it, what each channel adds to its mask, and which mask is left if only
the strongest channels count. (Wang et al., SOLOv2, 2020, section 3.2.) Unit 51 and its widget,
`KernelBoard`, use it.

    A cells of all levels    E channels    t side of a kernel    h, w size of the mask features
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.instances import Instances
from minseg.metrics.iou import mask_iou
from minseg.models import SOLOv2
from minseg.models.padding import pad_images, pad_truth
from minseg.models.solo.inference import maskness, upsample


class CellMask(NamedTuple):
    """What one cell says, or a part of it."""

    logits: Tensor  # (h, w) float32
    mask: Tensor  # (H, W) bool, at the image's own size
    sure: float  # the mean probability inside of the mask, 0 if it is empty
    iou: float  # with the thing that it fits best, 0 where there is none
    thing: int  # which one, −1 for none


class SOLOv2Trace:
    """A model's answers for one image, on the CPU.

    Args:
        model: trained or not; it is not changed.
        image: (3, H, W) in [0, 1].
        truth: its instances; crowds and empty masks are left out, as in training.

    Attributes:
        size: (H, W) of the image. frame: (H', W') of the padded one, which the grids cover.
        features: (E, h, w). kernels: (A, E, t, t). classes: (A, C) probabilities.
        found: (N,) int64 cells that see something, before suppression, best first.
        owners: (A,) int64, the thing that trains each cell, −1 for none.
        starts: the first cell of each level, and one more number, A.

    Raises:
        TypeError, ValueError: as `pad_images` and `pad_truth` say.
    """

    @torch.no_grad()
    def __init__(self, model: SOLOv2, image: Tensor, truth: Instances) -> None:
        self.model, self.image = model, image
        self.truth = truth[~truth.crowd & truth.masks.flatten(1).any(dim=1)]  # as `pad_truth`
        batch, sizes = pad_images(image[None], model.strides[-1])
        self.size, self.frame = tuple(image.shape[1:]), tuple(batch.shape[2:])
        # The network looks once.
        seen = model.look(batch)
        maps, kernels = seen.features
        self.found = model.candidates(seen, 0).cells  # (N,)
        self.features = maps[0].float()  # (E, h, w)
        self.classes = seen.classes[0].sigmoid()  # (A, C)
        side = model.options["kernel_size"]
        self.kernels = kernels[0].float().unflatten(1, (-1, side, side))  # (A, E, t, t)
        # Whose each cell would be in training.
        known = pad_truth([self.truth], model.categories, sizes, self.frame)
        self.owners = model.owners(known)[0]  # (A,)
        cells = [grid**2 for grid in model.grids]
        self.starts = [sum(cells[:k]) for k in range(len(cells) + 1)]

    def cell(self, level: int, row: int, column: int) -> int:
        """The number among all A cells of a cell of a level's grid."""
        return self.starts[level] + row * self.model.grids[level] + column

    def place(self, cell: int) -> tuple[int, int, int]:
        """Level, row and column of a cell, the inverse of `cell`."""
        level = max(k for k, start in enumerate(self.starts[:-1]) if start <= cell)
        return level, *divmod(cell - self.starts[level], self.model.grids[level])

    def best_cell(self) -> int:
        """The cell whose candidate is best, or without any the one that is surest of a class."""
        return int(self.found[0] if len(self.found) else self.classes.amax(dim=1).argmax())

    def next_cell(self, cell: int) -> int:
        """The candidate after this one, the best one again after the last."""
        found = self.found.tolist()
        if not found:
            return cell
        return found[(found.index(cell) + 1) % len(found)] if cell in found else found[0]

    @torch.no_grad()
    def terms(self, cell: int) -> Tensor:
        """(E, h, w): what each channel adds to the logits of a cell's mask; they add up to them."""
        kernel = self.kernels[cell]  # (E, t, t)
        padding, channels = kernel.shape[-1] // 2, len(kernel)
        return F.conv2d(self.features[None], kernel[:, None], padding=padding, groups=channels)[0]

    def strongest(self, terms: Tensor) -> Tensor:
        """(E,) channels, those first whose term (E, h, w) varies most over the image.

        What a channel adds everywhere alike tells no pixel from another.
        """
        return terms.flatten(1).std(dim=1).argsort(descending=True, stable=True)

    def mask(self, logits: Tensor) -> CellMask:
        """What logits (h, w) say at the image's own size."""
        height, width = self.size
        inside, sure = maskness(logits[None])
        whole = upsample(logits[None], self.model.strides[0])[0, :height, :width] > 0
        iou, thing = 0.0, -1
        if len(self.truth) and inside.any():
            overlap = mask_iou(whole[None], self.truth.masks)[0]  # (G,)
            iou, thing = float(overlap.max()), int(overlap.argmax())
        return CellMask(logits, whole, float(sure[0]), iou, thing if iou else -1)

    def partial(self, terms: Tensor, order: Tensor, count: int) -> Tensor:
        """(h, w) logits of the `count` strongest channels; the others add their mean alone.

        Args:
            terms: (E, h, w), of `terms`. order: (E,), of `strongest`.
        """
        weak = order[count:]
        level = terms[weak].mean(dim=(1, 2)).sum()  # a number: it moves the mask's threshold
        return terms[order[:count]].sum(dim=0) + level
