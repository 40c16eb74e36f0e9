"""The region proposal network: where there might be a thing, of whatever class.

Boxes of a few fixed shapes, the anchors, stand at every cell of the pyramid. A 3×3 convolution and
two 1×1 ones say of each anchor whether it holds a thing (o) and how to move it there (t):

    target   1 if IoU ≥ positive, or no anchor overlaps some thing more;  0 if IoU < negative
    loss     Σ BCE(o, target) / n  +  Σ_{target 1} smoothL1(t - encode(thing, anchor)) / n
    propose  the best of each level, moved; NMS within the level; the best of what is left

n counts the sampled anchors; those between the thresholds teach nothing. (Ren et al., Faster R-CNN,
2015, section 3.1, IoU .7 and .3 and 256 anchors an image; per level as in Lin et al., Feature
Pyramid Networks, 2017, section 4.1.) Lesson 08 calls each stage by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, nms_of_batch
from minseg.losses.sampling import sample_rois
from minseg.models.backbone import conv_norm
from minseg.models.padding import PaddedTruth
from minseg.processes import mean_over_processes

SMOOTH = 1 / 9  # where smooth L1 turns from square to straight


class RPNHead(nn.Module):
    """The network: one head for all levels. It is told apart where a thing is, not how large."""

    def __init__(self, channels: int = 64, anchors: int = 3) -> None:
        super().__init__()
        self.shared = conv_norm(channels, channels)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (self.objectness, self.deltas):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Levels (B, channels, H_k, W_k) to objectness logits (B, A) and deltas (B, A, 4).

        A counts the anchors of all levels in the order of `pyramid_anchors`: finest level first,
        then row, column and shape. The channels hold the shapes, so they must come last *before*
        rows and columns are flattened; any other order trains too, just badly.
        """
        objectness, deltas = [], []
        for features in pyramid:
            shared = self.shared(features)
            objectness.append(self.objectness(shared).permute(0, 2, 3, 1).flatten(1))
            moves = self.deltas(shared).permute(0, 2, 3, 1)  # (B, H, W, anchors·4)
            deltas.append(moves.reshape(len(moves), -1, 4))
        return torch.cat(objectness, dim=1).float(), torch.cat(deltas, dim=1).float()


def pyramid_anchors(
    shapes: Sequence[Sequence[int]],
    strides: Sequence[int],
    *,
    scale: float = 2.5,
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> list[Tensor]:
    """The anchors of each level, one (H_k · W_k · len(ratios), 4) a level, in image pixels.

    Args:
        shapes: (H_k, W_k) of each level. strides: of each level.
        scale: side of the square anchor in cells, 8 in Feature Pyramid Networks (32 px at stride
            4); 2.5 serves images of 128 px.
        ratios: width / height of each shape; all have the same area.
    """
    anchors = []
    for (height, width), stride in zip(shapes, strides, strict=True):
        y, x = torch.meshgrid(
            (torch.arange(height) + 0.5) * stride,
            (torch.arange(width) + 0.5) * stride,
            indexing="ij",
        )
        root = torch.tensor(ratios).sqrt()
        w, h = scale * stride * root / 2, scale * stride / root / 2  # half sides
        centre = torch.stack([x, y, x, y], dim=-1)[:, :, None]  # (H, W, 1, 4)
        anchors.append((centre + torch.stack([-w, -h, w, h], dim=-1)).view(-1, 4))
    return anchors


def anchor_targets(
    overlaps: Tensor, *, positive: float = 0.6, negative: float = 0.3
) -> tuple[Tensor, Tensor, Tensor]:
    """Which anchors should say yes, which no, and to which thing each belongs.

    Args:
        overlaps: (B, A, G) IoU of anchors and things; 0 with a thing that is padding.
        positive, negative: the thresholds; anchors between them are neither.

    Returns:
        yes, no: (B, A) bool. thing: (B, A) int64, the thing of largest overlap.
    """
    best, thing = overlaps.max(dim=2)
    most = overlaps.amax(dim=1, keepdim=True)  # (B, 1, G) how well any anchor fits each thing
    # Without `most > 0` every anchor would be the best one of a thing that none overlaps.
    forced = ((overlaps == most) & (most > 0)).any(dim=2)
    yes = (best >= positive) | forced
    return yes, (best < negative) & ~yes, thing


def rpn_losses(
    objectness: Tensor,
    deltas: Tensor,
    anchors: Tensor,
    truth: PaddedTruth,
    priorities: Tensor,
    *,
    count: int = 64,
    positive: float = 0.6,
    negative: float = 0.3,
) -> dict[str, Tensor]:
    """Losses of a sample of anchors, half of them positives at most.

    Args:
        objectness: (B, A) logits. deltas: (B, A, 4). anchors: (A, 4).
        priorities: (B, A) random numbers for `minseg.losses.sample_rois`. count: anchors an image.
        positive, negative: as in `anchor_targets`.

    Returns:
        "rpn_objectness" and "rpn_box", () each; 0 with a gradient path where nothing is positive.
    """
    with torch.no_grad():
        overlaps = box_iou(anchors, truth.boxes)  # (B, A, G); 0 with padding, which has no area
        yes, no, thing = anchor_targets(overlaps, positive=positive, negative=negative)
        yes, no = sample_rois(yes, no, priorities, count=count, fraction=0.5)
        image, at = yes.nonzero(as_tuple=True)
        moves = encode_boxes(truth.boxes[image, thing[image, at]], anchors[at])
        n = mean_over_processes((yes | no).sum())
    drawn = yes | no
    bce = F.binary_cross_entropy_with_logits(objectness[drawn], yes[drawn].float(), reduction="sum")
    l1 = F.smooth_l1_loss(deltas[image, at], moves, beta=SMOOTH, reduction="sum")
    return {"rpn_objectness": bce / n, "rpn_box": l1 / n}


@torch.no_grad()
def propose(
    objectness: Tensor,
    deltas: Tensor,
    anchors: Sequence[Tensor],
    sizes: Tensor,
    *,
    best: int = 80,
    keep: int = 60,
    iou_threshold: float = 0.7,
) -> tuple[Tensor, Tensor]:
    """Proposals of each image, best first.

    Args:
        objectness: (B, A) logits. deltas: (B, A, 4). anchors: the levels' (A_k, 4), A in all.
        sizes: (B, 2) height and width of each image without padding; boxes are cut off there.
        best: anchors that each level sends into NMS (2000 in training, 1000 at test at full size).
        keep: proposals an image, of all levels together.

    Returns:
        boxes: (B, keep, 4), without gradient. real: (B, keep) bool, false for rows that are filled
        up because fewer boxes of a pixel or more, a side, were left.
    """
    at, level = _best_of_each_level(objectness, [len(a) for a in anchors], best)  # (B, n) each
    chosen = deltas.gather(1, at[..., None].expand(-1, -1, 4))
    boxes = clip_boxes(decode_boxes(chosen, torch.cat(list(anchors))[at]), sizes)
    large = (boxes[..., 2:] - boxes[..., :2] >= 1).all(dim=2)
    real = nms_of_batch(boxes, level, iou_threshold) & large
    first = (~real).long().argsort(dim=1, stable=True)[:, :keep]  # the real ones, best first
    return boxes.gather(1, first[..., None].expand(-1, -1, 4)), real.gather(1, first)


def _best_of_each_level(
    objectness: Tensor, counts: Sequence[int], best: int
) -> tuple[Tensor, Tensor]:
    """Which anchors are among the `best` of their level, and which level that is; best first."""
    scores, at, level = [], [], []
    for k, part in enumerate(objectness.split(list(counts), dim=1)):
        score, index = part.topk(min(best, part.shape[1]), dim=1)
        scores.append(score)
        at.append(index + sum(counts[:k]))
        level.append(torch.full_like(index, k))
    order = torch.cat(scores, dim=1).argsort(dim=1, descending=True, stable=True)
    return torch.cat(at, dim=1).gather(1, order), torch.cat(level, dim=1).gather(1, order)
