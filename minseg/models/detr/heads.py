"""What each query says: a class or "no object", and a box.

    logits = W q + b,  C + 1 of them, "no object" last          box = σ(MLP(q)),  (cx, cy, w, h)

The classes compete in one softmax, with "no object" among them: most queries find nothing, and have
to be able to say so. A box is given as shares of the image's width and height, all at once and from
nothing: no anchor is corrected. (Carion et al., End-to-End Object Detection with Transformers,
2020, section 3.2.) Unit 54.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALL = -1.4  # σ(−1.4) = 0.2


class ClassHead(nn.Linear):
    """Queries (…, width) to C + 1 logits, "no object" last."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes + 1)

    def forward(self, queries: Tensor) -> Tensor:
        """(…, width) to (…, C + 1) float32."""
        return super().forward(queries).float()


class QueryBoxHead(nn.Module):
    """Queries (…, width) to boxes, by three layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, n) for n in (width, width, 4))
        with torch.no_grad():  # at first in the middle, and a fifth of the image wide and high
            self.layers[2].get_parameter("bias").copy_(torch.tensor([0.0, 0.0, SMALL, SMALL]))

    def forward(self, queries: Tensor) -> Tensor:
        """(…, width) to (…, 4) float32: cx, cy, w, h in [0, 1], shares of the image."""
        first, second, last = self.layers
        return last(F.relu(second(F.relu(first(queries))))).float().sigmoid()


def boxes_in_pixels(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Boxes (…, 4) as the head gives them, in pixels and by their corners.

    Args:
        boxes: (…, 4) cx, cy, w, h as shares.
        sizes: (2,) height and width of the image, or (B, 2) for boxes (B, Q, 4).

    >>> boxes_in_pixels(torch.tensor([[0.5, 0.5, 0.25, 1.0]]), torch.tensor([10, 40]))
    tensor([[15.,  0., 25., 10.]])
    """
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1) * _scale(boxes, sizes)


def boxes_as_shares(boxes: Tensor, sizes: Tensor) -> Tensor:
    """The inverse of `boxes_in_pixels`.

    >>> boxes_as_shares(torch.tensor([[15.0, 0, 25, 10]]), torch.tensor([10, 40]))
    tensor([[0.5000, 0.5000, 0.2500, 1.0000]])
    """
    low, high = (boxes / _scale(boxes, sizes)).split(2, dim=-1)
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def _scale(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Width, height, width, height of each image, to multiply boxes with."""
    extent = sizes.flip(-1).to(boxes)  # width, height
    scale = torch.cat([extent, extent], dim=-1)  # (4,) or (B, 4)
    return scale if scale.ndim == 1 else scale[:, None]
