"""A model that trains in no time and uses random numbers in every way that a real one does."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from minseg.instances import Instances


class Toy(nn.Module):
    """Tells foreground from background, pixel by pixel, on every fourth pixel.

    Its loss is a mean over images. It reads torch's global random state (dropout) where `dropout`
    is above 0, and keeps a random quarter of the pixels that its seeds choose.
    """

    def __init__(self, width=4, dropout=0.0):
        super().__init__()
        self.options = {"width": width, "dropout": dropout}
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.norm = nn.GroupNorm(2, width)
        self.last = nn.Conv2d(width, 1, 1)
        self.dropout = dropout

    def forward(self, images):
        hidden = F.dropout(self.norm(self.first(images)).relu(), self.dropout, self.training)
        return self.last(hidden)[:, 0]

    def losses(self, images, targets, *, seeds=None):
        rows = []
        for image, target, seed in zip(images, targets, seeds, strict=True):
            logits = self(image[None, :, ::4, ::4])[0]
            truth = target.masks.any(dim=0)[::4, ::4].float()
            chosen = torch.rand(logits.shape, generator=torch.Generator().manual_seed(seed)) < 0.25
            rows.append(F.binary_cross_entropy_with_logits(logits[chosen], truth[chosen]))
        size = 0.01 * self.last.weight.square().sum()
        return {"pixels": torch.stack(rows).mean(), "size": size}

    def predict(self, images):
        return [
            Instances((self(image[None]) > 0), torch.tensor([1]), torch.tensor([0.5]))
            for image in images
        ]


def toy(**options):
    """Made from the same numbers every time."""
    torch.manual_seed(0)
    return Toy(**options)
