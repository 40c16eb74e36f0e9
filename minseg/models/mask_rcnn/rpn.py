"""The region proposal network: where there might be a thing, of whatever class.

Boxes of a few fixed shapes, the anchors, stand at every cell of the pyramid. A 3×3 convolution and
two 1×1 ones say of each anchor whether it holds a thing (o) and how to move it there (t):

    target   1 if IoU ≥ positive, or no anchor overlaps some thing more;  0 if IoU < negative
    loss     Σ BCE(o, target) / n  +  Σ_{target 1} smoothL1(t - encode(thing, anchor)) / n
    propose  the best of each level, moved; NMS within the level; the best of what is left

n counts the sampled anchors; those between the thresholds teach nothing. (Ren et al., Faster R-CNN,
2015, section 3.1, IoU .7 and .3 and 256 anchors for each image; per level as in Lin et al., Feature
Pyramid Networks, 2017, section 4.1.) Unit 40 calls each stage by itself. The letters in the
shapes are those of `minseg.models`; the library's own is `torchvision.models.detection.rpn`.
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
    """One head for all levels: sharing weights assumes that objects look alike at every scale."""

    def __init__(self, channels: int = 64, anchors: int = 3) -> None:
        super().__init__()
        self.shared = conv_norm(channels, channels)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (self.objectness, self.deltas):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Levels (B, channels, H_k, W_k) to objectness logits (B, A) and deltas (B, A, 4).

        A counts the anchors of all levels in the order of `pyramid_anchors`: finest level first,
        then row, column and shape. The channels hold the shapes, so they must come last *before*
        rows and columns are flattened; any other order trains too, just badly.
        """
        # A 1×1 convolution is a product of matrices, with a row for each cell: one for all levels.
        cells = torch.cat(
            [self.shared(features).permute(0, 2, 3, 1).flatten(1, 2) for features in pyramid], dim=1
        )  # (B, all cells, channels)
        objectness = _of_each_cell(self.objectness, cells).flatten(1)  # (B, A)
        deltas = _of_each_cell(self.deltas, cells).unflatten(2, (-1, 4)).flatten(1, 2)  # (B, A, 4)
        # float32 under autocast, too: a box near 1000 px has no digits to lose.
        return objectness.float(), deltas.float()


def _of_each_cell(layer: nn.Conv2d, cells: Tensor) -> Tensor:
    """A 1×1 convolution of cells (B, n, channels) to (B, n, its width)."""
    return F.linear(cells, layer.weight[:, :, 0, 0], layer.bias)


def pyramid_anchors(
    shapes: Sequence[Sequence[int]],
    strides: Sequence[int],
    *,
    scale: float = 2.5,
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> list[Tensor]:
    """The anchors of each level, (A_k, 4) with A_k = H_k · W_k · len(ratios), in image pixels.

    Args:
        shapes: (H_k, W_k) of each level. strides: of each level.
        scale: side of the square anchor in cells, 8 in Feature Pyramid Networks (32 px at stride
            4); 2.5 serves images of 128 px.
        ratios: width / height of each shape; all have the same area.

    >>> (anchors,) = pyramid_anchors([(1, 2)], [4], scale=2, ratios=[1.0])
    >>> anchors.tolist()  # 8 × 8 around the middle of each cell
    [[-2.0, -2.0, 6.0, 6.0], [2.0, -2.0, 10.0, 6.0]]
    """
    anchors = []
    for (height, width), stride in zip(shapes, strides, strict=True):
        # The middle of every cell of the level, in image pixels.
        y, x = torch.meshgrid(
            (torch.arange(height) + 0.5) * stride,
            (torch.arange(width) + 0.5) * stride,
            indexing="ij",
        )
        # Shapes of one area: √ratio times as wide, 1/√ratio times as high as the square.
        root = torch.tensor(ratios).sqrt()
        w, h = scale * stride * root / 2, scale * stride / root / 2  # half sides
        # Every shape around every middle; the shape is the axis that changes fastest.
        centre = torch.stack([x, y, x, y], dim=-1)[:, :, None]  # (H_k, W_k, 1, 4)
        anchors.append((centre + torch.stack([-w, -h, w, h], dim=-1)).view(-1, 4))  # (A_k, 4)
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

    >>> overlaps = torch.tensor([[[0.7, 0.0], [0.5, 0.1], [0.2, 0.2], [0.0, 0.0]]])
    >>> yes, no, thing = anchor_targets(overlaps)
    >>> yes.tolist(), no.tolist()  # the third is the best for thing 1; the second is neither
    ([[True, False, True, False]], [[False, False, False, True]])
    """
    # Seen from the anchors: which thing does each fit best, and how well?
    best, thing = overlaps.max(dim=2)  # (B, A) each
    # Seen from the things: which anchors fit each best? No thing may go without one.
    most = overlaps.amax(dim=1, keepdim=True)  # (B, 1, G) how well any anchor fits each thing
    # Without `most > 0` every anchor would be the best one of a thing that none overlaps.
    forced = ((overlaps == most) & (most > 0)).any(dim=2)  # (B, A)
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
        priorities: (B, A) random numbers for `minseg.losses.sample_rois`. count: how many anchors
            of each image train.
        positive, negative: as in `anchor_targets`.

    Returns:
        "rpn_objectness" and "rpn_box", () each; 0 with a gradient path where nothing is positive.
    """
    with torch.no_grad():
        # Label every anchor by its overlap with the things.
        overlaps = box_iou(anchors, truth.boxes)  # (B, A, G); 0 with padding, which has no area
        yes, no, thing = anchor_targets(overlaps, positive=positive, negative=negative)  # (B, A)
        # Choose a sample: of all anchors nearly every one is background, and easy.
        yes, no = sample_rois(yes, no, priorities, count=count, fraction=0.5)
        sampled = yes | no
        # Only positives learn a box, that of the thing which they overlap most.
        image, anchor = yes.nonzero(as_tuple=True)  # (P,) each
        true_boxes = truth.boxes[image, thing[image, anchor]]
        true_deltas = encode_boxes(true_boxes, anchors[anchor])  # (P, 4)
        n = mean_over_processes(sampled.sum())
    true_objectness = yes[sampled].float()
    bce = F.binary_cross_entropy_with_logits(objectness[sampled], true_objectness, reduction="sum")
    l1 = F.smooth_l1_loss(deltas[image, anchor], true_deltas, beta=SMOOTH, reduction="sum")
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
        keep: proposals of each image, all levels together.

    Returns:
        boxes: (B, keep, 4), without gradient. real: (B, keep) bool, false for rows that are filled
        up because fewer boxes were left whose sides are a pixel or more.
    """
    # Take the best of each level, so that no level crowds out another.
    anchor, level = _best_of_each_level(objectness, [len(a) for a in anchors], best)  # (B, n) each
    # Move their anchors by the deltas, and cut the boxes off at the edges of their images.
    chosen = deltas.gather(1, anchor[..., None].expand(-1, -1, 4))  # (B, n, 4)
    boxes = clip_boxes(decode_boxes(chosen, torch.cat(list(anchors))[anchor]), sizes)
    # Drop boxes of less than a pixel, and by NMS those that a better one of their level overlaps.
    large = (boxes[..., 2:] - boxes[..., :2] >= 1).all(dim=2)  # (B, n)
    real = nms_of_batch(boxes, level, iou_threshold) & large
    # Keep the best of what is left: a stable sort by "dropped" puts it first, in its order.
    first = (~real).long().argsort(dim=1, stable=True)[:, :keep]  # (B, keep)
    return boxes.gather(1, first[..., None].expand(-1, -1, 4)), real.gather(1, first)


def _best_of_each_level(
    objectness: Tensor, counts: Sequence[int], best: int
) -> tuple[Tensor, Tensor]:
    """Which anchors are among the `best` of their level, and which level that is; best first."""
    scores, anchors, levels = [], [], []
    for k, of_level in enumerate(objectness.split(list(counts), dim=1)):  # (B, A_k)
        score, index = of_level.topk(min(best, of_level.shape[1]), dim=1)
        scores.append(score)
        anchors.append(index + sum(counts[:k]))  # counted over all levels
        levels.append(torch.full_like(index, k))
    order = torch.cat(scores, dim=1).argsort(dim=1, descending=True, stable=True)
    return torch.cat(anchors, dim=1).gather(1, order), torch.cat(levels, dim=1).gather(1, order)
