"""The second stage: what is in each proposal, where exactly, and on which of its pixels.

A proposal is read from the level on which it spans a good number of cells, as a grid of fixed size,
and three questions are put to that grid:

    L = CE(class)  +  Σ_positive smoothL1(t - encode(thing, proposal)) / n  +  mean_positive BCE(m)

n counts all sampled proposals, positive (IoU ≥ ½ with a thing) or not. The mask's target is the
thing cropped with the *proposal*, since that is what the head sees; it is judged on the channel of
the *true* class, so that the classes do not compete for pixels. At test the mask is read from the
refined box, on the channel of the predicted class. (He et al., Mask R-CNN, 2017, sections 3 and
4.2; box head and its loss as in Fast R-CNN, Girshick, 2015, section 2.) Unit 41. The letters in
the shapes are those of `minseg.models`; the library's own is
`torchvision.models.detection.roi_heads`, with `MultiScaleRoIAlign` for `read_pyramid` and
`project_masks_on_boxes` for `mask_targets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.boxes import box_iou, encode_boxes, fpn_level
from minseg.losses.mask import mask_bce, select_class_masks
from minseg.losses.sampling import sample_rois
from minseg.masks import to_grid
from minseg.models.backbone import GROUPS
from minseg.models.mask_rcnn.rpn import SMOOTH
from minseg.models.padding import PaddedTruth
from minseg.precision import exact_device
from minseg.processes import mean_over_processes
from minseg.roi import roi_align, roi_pool, roi_warp

BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # bring the box targets to about unit spread
SAMPLES = 2  # bilinear samples for each bin and axis; with 1, large things lose


class SampledRois(NamedTuple):
    """The proposals that train the heads, K of the whole batch, and what is true of them."""

    rois: Tensor  # (K, 5) image of the batch, x1, y1, x2, y2
    classes: Tensor  # (K,) int64 the true class index, C for background
    things: Tensor  # (K,) int64 which thing of its image; means nothing for background


def sample_proposals(
    boxes: Tensor,
    real: Tensor,
    truth: PaddedTruth,
    priorities: Tensor,
    *,
    classes: int,
    count: int = 32,
    fraction: float = 0.25,
    positive: float = 0.5,
) -> SampledRois:
    """Match proposals with things and choose at random which of them train.

    Args:
        boxes: (B, R, 4) proposals; append the true boxes, or an untrained RPN yields no positives.
        real: (B, R) bool, false for rows that are padding. priorities: (B, R) for `sample_rois`.
        classes: C, without background. count, fraction: as in `sample_rois`; 512 and 0.25 at full
            size. positive: the IoU with a thing from which a proposal is one of it.
    """
    # Match: each proposal belongs to the thing that it overlaps most.
    overlap, thing = box_iou(boxes, truth.boxes).max(dim=2)  # (B, R) each
    # Choose: positives up to their share, then background up to the count.
    chosen, rest = sample_rois(
        real & (overlap >= positive),
        real & (overlap < positive),
        priorities,
        count=count,
        fraction=fraction,
    )  # (B, R) each
    # Collect those chosen of all images in one list, each with the number of its image.
    image, row = (chosen | rest).nonzero(as_tuple=True)  # (K,) each
    rois = torch.cat([image[:, None].to(boxes), boxes[image, row]], dim=1)  # (K, 5)
    things = thing[image, row]
    true_classes = torch.where(chosen[image, row], truth.classes[image, things], classes)
    return SampledRois(rois, true_classes, things)


def read_pyramid(
    pyramid: Sequence[Tensor],
    strides: Sequence[int],
    rois: Tensor,
    size: int,
    *,
    cells: float = 10.0,
    roi_op: str = "align",
) -> Tensor:
    """Each RoI as a grid of features, from the level that suits its size.

    Args:
        pyramid: levels (B, channels, H_k, W_k), finest first. strides: of each level, each twice
            the one before.
        rois: (K, 5) rows (image, x1, y1, x2, y2), in image pixels.
        size: of the grid: 7 for boxes, 14 for masks.
        cells: a square RoI spans `cells` to 2·`cells` cells of its level, fewer on the finest one
            and more on the coarsest. 14 in Feature Pyramid Networks (224 px at stride 16). Too
            small a number sends things to levels too coarse to draw them.
        roi_op: "align", "pool" (both roundings, maximum) or "warp" (box rounded, bilinear).

    Returns:
        (K, channels, size, size) float32, also under autocast.

    Raises:
        ValueError: if `roi_op` is none of the three.
    """
    if roi_op not in ("align", "pool", "warp"):
        raise ValueError(f"roi_op must be 'align', 'pool' or 'warp', got {roi_op!r}")
    # Which level suits each RoI? A box of `cells` · finest stride is the smallest of level 0.
    level = fpn_level(rois[:, 1:], 0, len(strides) - 1, cells * strides[0], 0)  # (K,)
    grids, rows = [], []
    # Read the RoIs of each level together.
    for k, (features, stride) in enumerate(zip(pyramid, strides, strict=True)):
        here = (level == k).nonzero()[:, 0]
        features = features.float()
        if roi_op == "align":
            grid = roi_align(features, rois[here], size, 1 / stride, SAMPLES, aligned=True)
        elif roi_op == "warp":
            grid = roi_warp(features, rois[here], size, 1 / stride, SAMPLES)
        else:
            grid = roi_pool(features, rois[here], size, 1 / stride)
        grids.append(grid)
        rows.append(here)
    # They come out level by level: put them back into the order of `rois`. Channels lie last in
    # memory, as the convolutions behind want them.
    grid = torch.cat([one.permute(0, 2, 3, 1) for one in grids])  # (K, size, size, channels)
    ordered = torch.zeros_like(grid).index_copy(0, torch.cat(rows), grid)
    return ordered.permute(0, 3, 1, 2)


class BoxHead(nn.Module):
    """Two fully connected layers, then C + 1 class logits and a box for every class."""

    def __init__(
        self, channels: int = 64, size: int = 7, *, width: int = 256, classes: int = 3
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * size * size, width),
            nn.LayerNorm(width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.classes = nn.Linear(width, classes + 1)
        self.deltas = nn.Linear(width, 4 * classes)
        for layer, std in ((self.classes, 0.01), (self.deltas, 0.001)):
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)

    def forward(self, grids: Tensor) -> tuple[Tensor, Tensor]:
        """(K, channels, size, size) to logits (K, C + 1), background last, and deltas (K, C, 4)."""
        h = self.trunk(grids)  # (K, width)
        return self.classes(h).float(), self.deltas(h).float().unflatten(1, (-1, 4))


class MaskHead(nn.Module):
    """Convolutions, one step up in resolution, then one mask of logits for every class.

    With the defaults, which are the paper's, 2,643,280 parameters: four times 590,080, 262,400 to
    double the resolution and 20,560 for 80 classes, where a class-agnostic head needs 257.

    Args:
        channels: of the grids. width, convs: of the convolutions and how many.
        classes: C. class_agnostic: whether one mask serves all of them.
        norm: whether GroupNorm (in place of a bias) follows each 3×3 convolution, which training
            from scratch wants and the paper does not have.
    """

    def __init__(
        self,
        channels: int = 256,
        width: int = 256,
        convs: int = 4,
        classes: int = 80,
        class_agnostic: bool = False,
        *,
        norm: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for k in range(convs):
            layers.append(nn.Conv2d(width if k else channels, width, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.GroupNorm(GROUPS, width))
            layers.append(nn.ReLU(inplace=True))
        self.trunk = nn.Sequential(*layers)
        self.up = nn.ConvTranspose2d(width if convs else channels, width, 2, stride=2)
        self.predict = nn.Conv2d(width, 1 if class_agnostic else classes, 1)
        for layer in [m for m in layers if isinstance(m, nn.Conv2d)] + [self.up]:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, grids: Tensor) -> Tensor:
        """(K, channels, m, m) to logits (K, C or 1, 2m, 2m), float32.

        It is `predict(relu(up(trunk(grids))))`. Neither `up` nor `predict` lets a cell see another,
        so both are products of matrices, with a row for each cell: half the time of convolutions.
        """
        cells = self.trunk(grids).permute(0, 2, 3, 1)  # (K, m, m, width)
        # `up` makes four of each cell: as many times its width, then a cell for each quarter.
        into, width = self.up.weight.shape[:2]
        assert self.up.bias is not None
        quarters = self.up.weight.permute(2, 3, 1, 0).reshape(4 * width, into)
        doubled = F.relu(F.linear(cells, quarters, self.up.bias.repeat(4)))
        logits = F.linear(
            doubled.unflatten(3, (2, 2, width)), self.predict.weight[:, :, 0, 0], self.predict.bias
        )  # (K, m, m, 2, 2, C)
        # Only now are the quarters put in place: row 2i + a, column 2j + b.
        return logits.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3).float()


def class_and_box_losses(
    logits: Tensor, deltas: Tensor, sample: SampledRois, truth: PaddedTruth
) -> dict[str, Tensor]:
    """The first two terms of L, "class" and "box", () each.

    The box term sums over positives and is divided by all sampled proposals: a positive weighs the
    same in a batch of few positives as in one of many.
    """
    n = mean_over_processes(len(logits))
    # Every sampled RoI learns its class, background included.
    class_loss = F.cross_entropy(logits, sample.classes, reduction="sum")
    # Only positives learn a box, and only in the row of their true class.
    positive = (sample.classes < deltas.shape[1]).nonzero()[:, 0]  # (P,); class C is background
    image, boxes = sample.rois[positive, 0].long(), sample.rois[positive, 1:]
    true_boxes = truth.boxes[image, sample.things[positive]]
    true_deltas = encode_boxes(true_boxes, boxes, BOX_WEIGHTS)  # (P, 4)
    deltas = deltas[positive, sample.classes[positive]]  # (P, 4)
    box_loss = F.smooth_l1_loss(deltas, true_deltas, beta=SMOOTH, reduction="sum")
    return {"class": class_loss / n, "box": box_loss / n}


def mask_loss(logits: Tensor, classes: Tensor, targets: Tensor) -> Tensor:
    """The third term of L: BCE on one channel of each positive, averaged over cells and positives.

    Args:
        logits: (P, C or 1, m, m). classes: (P,) the true class, whose channel alone is judged.
        targets: (P, m, m) in [0, 1], from `mask_targets`.

    Returns:
        (), 0 with a gradient path if P = 0.
    """
    losses = mask_bce(select_class_masks(logits, classes), targets)  # (P,)
    return losses.sum() / mean_over_processes(len(losses))


@torch.no_grad()
def mask_targets(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    """(P, size, size): the share of each cell of the proposal (P, 5) that its thing covers."""
    masks = truth.masks[rois[:, 0].long(), things]  # (P, H, W) the true mask of each proposal
    where = exact_device(rois.device)  # shares are counted in double, which not every GPU has
    return to_grid(masks.to(where), rois[:, 1:].to(where), size).to(rois.device)
