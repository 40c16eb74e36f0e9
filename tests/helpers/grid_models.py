"""Small models of the SOLO family, and pictures of squares to try them on."""

from __future__ import annotations

import torch

from minseg.instances import Instances
from minseg.models import SOLO, DecoupledSOLO, SOLOv2

KINDS = (SOLO, DecoupledSOLO, SOLOv2)
NARROW = {"widths": (8, 8, 8, 8), "channels": 8, "grids": (12, 8, 6), "width": 8, "convs": 1}


def tiny(kind, **options):
    torch.manual_seed(0)
    own = {"mask_width": 8} if kind is SOLOv2 else {}
    return kind(**NARROW | own | options)


def squares(*places, size=(48, 48), label=1):
    """Filled squares (row, column, side) in front of nothing, and a picture of them."""
    masks = torch.zeros(len(places), *size, dtype=torch.bool)
    for mask, (row, column, side) in zip(masks, places, strict=True):
        mask[row : row + side, column : column + side] = True
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(len(places))) * 0.2
    return image + masks.any(dim=0) * 0.8, Instances(masks, torch.full((len(places),), label))


def batch_of(*scenes):
    images, targets = zip(*scenes, strict=True)
    return list(images), list(targets)
