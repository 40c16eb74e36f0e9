"""The loss of a set: find the pairs that cost least, then ask partners to agree.

    σ = argmin of Σ C over pairings, in each image and after each decoder layer

    L = Σ_layers  CE(classes; "no object" counts 0.1)
                + 5 Σ_pairs ‖b̂ − b‖₁ / n  +  2 Σ_pairs (1 − GIoU) / n
                + 5 Σ_pairs BCE / n  +  5 Σ_pairs Dice / n

n counts the true things of the batch. Every layer is paired and asked by itself (*deep
supervision*), so that the first one learns from the beginning. Of 20 queries 15 find nothing, so
"no object" would drown the rest if it counted fully. (Carion et al., End-to-End Object Detection
with Transformers, 2020, sections 3.1 and 4.) What C is made of is the model's to say:

    "boxes"      −p̂(c) + 5 L1 − 2 GIoU, as published; masks have no say
    "masks"      −p̂(c) + 2 Dice of the masks, as in MaskFormer (Cheng et al., 2021, section 3.3)
    "classes"    −p̂(c) alone: of two discs either query is as good, and pairs change at random

More things than queries: as many pairs as there are queries, and the things without which the
rest costs least teach nothing in this step. Unit 54.

The paper learns masks last, at full size, by a focal loss and linear Dice. Here they are compared
where the head draws them, with the share of each cell that the thing covers: a sixteenth of the
pixels. BCE and the squared Dice are smallest where that share is said; the focal loss with α = ¼
and the linear Dice are not, and would move every edge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.boxes import box_giou
from minseg.losses.mask import dice_loss, mask_bce
from minseg.losses.matching import detr_cost, hungarian_match, mask_cost
from minseg.models.detr.heads import boxes_as_shares, boxes_in_pixels
from minseg.models.detr.mask_head import Picks
from minseg.models.padding import PaddedTruth
from minseg.processes import mean_over_processes

MATCHINGS = ("boxes", "masks", "classes")
NOTHING = 0.1  # the weight of "no object" among the classes
BOX, GIOU = 5.0, 2.0  # the weights of the two box losses
BCE, DICE = 5.0, 5.0  # and of those of masks


class Answers(NamedTuple):
    """What all queries say after each layer."""

    logits: Tensor  # (L, B, Q, C + 1) float32
    boxes: Tensor  # (L, B, Q, 4) float32 cx, cy, w, h as shares
    masks: Tensor | None  # (L, B, Q, h, w) float32 logits, where they are needed


class Pairs(NamedTuple):
    """Partners, P of all layers and images together."""

    picks: Picks  # (P,) each: layer, image, query
    thing: Tensor  # (P,) int64, which thing of its image


@torch.no_grad()
def match(answers: Answers, truth: PaddedTruth, sizes: Tensor, matching: str) -> Pairs:
    """The cheapest pairs of queries and things, in each image, after each layer.

    Args:
        answers: masks only for `matching="masks"`.
        truth: B images, boxes in pixels. sizes: (B, 2) their heights and widths.
        matching: one of `MATCHINGS`.
    """
    layers, images = answers.logits.shape[:2]
    rows: list[Tensor] = []  # (4, n) each: layer, image, query, thing
    for image in range(images):
        costs = _costs(answers, truth, sizes, matching, image)  # (L, Q, n)
        for layer in range(layers):
            query, thing = hungarian_match(costs[layer])
            where = torch.full_like(query, layer), torch.full_like(query, image)
            rows.append(torch.stack([*where, query, thing]))
    layer, image_of, query, thing = torch.cat(rows, dim=1)
    return Pairs(Picks(layer, image_of, query), thing)


def _costs(
    answers: Answers, truth: PaddedTruth, sizes: Tensor, matching: str, image: int
) -> Tensor:
    """(L, Q, n) the costs in one image: all layers at once, as if they were more queries."""
    real = truth.classes[image] >= 0  # (G,)
    labels = truth.classes[image, real]
    logits, boxes = answers.logits[:, image].flatten(0, 1), answers.boxes[:, image].flatten(0, 1)
    if matching == "masks":
        assert answers.masks is not None
        masks = answers.masks[:, image].flatten(0, 1)  # (L Q, h, w)
        costs = mask_cost(logits, masks, labels, shrunk(truth.masks[image, real], masks.shape[1:]))
    else:
        true = boxes_as_shares(truth.boxes[image, real], sizes[image])  # (n, 4)
        weights = {"box_weight": 0.0, "giou_weight": 0.0} if matching == "classes" else {}
        costs = detr_cost(logits, boxes, labels, true, **weights)
    return costs.unflatten(0, answers.logits.shape[::2])


def shrunk(masks: Tensor, shape: torch.Size) -> Tensor:
    """(n, H, W) bool to (n, h, w): the share of each cell that is covered."""
    if not len(masks):
        return masks.new_zeros(0, *shape)
    return F.adaptive_avg_pool2d(masks.float()[:, None], (shape[0], shape[1]))[:, 0]


def set_losses(
    answers: Answers, pairs: Pairs, truth: PaddedTruth, sizes: Tensor
) -> dict[str, Tensor]:
    """The terms of L without masks, () float32 each, already weighted: "class", "box", "giou".

    Args:
        answers, truth, sizes: as in `match`. pairs: what it gave.
    """
    layer, image, query = pairs.picks
    boxes = answers.boxes[layer, image, query]  # (P, 4)
    true_boxes = truth.boxes[image, pairs.thing]  # (P, 4) pixels
    boxes_wrong = box_losses(boxes, true_boxes, sizes[image], things_of(truth))
    return {"class": class_loss(answers.logits, pairs, truth), **boxes_wrong}


def things_of(truth: PaddedTruth) -> Tensor:
    """n, the things of the batch, () float32: the mean over all processes, and not 0."""
    return mean_over_processes((truth.classes >= 0).sum())


def class_loss(logits: Tensor, pairs: Pairs, truth: PaddedTruth) -> Tensor:
    """Cross-entropy of all queries, those without a partner as "no object"; summed over layers."""
    nothing = logits.shape[3] - 1
    classes = torch.full(logits.shape[:3], nothing, device=logits.device)  # (L, B, Q)
    classes[pairs.picks] = truth.classes[pairs.picks.image, pairs.thing]
    weights = torch.where(classes == nothing, NOTHING, 1.0)
    losses = F.cross_entropy(logits.flatten(0, 2), classes.flatten(), reduction="none")
    total = mean_over_processes(weights.sum()) / len(logits)  # of one layer
    return (losses * weights.flatten()).sum() / total


def box_losses(boxes: Tensor, true_boxes: Tensor, sizes: Tensor, n: Tensor) -> dict[str, Tensor]:
    """L1 and GIoU of pairs.

    Args:
        boxes: (P, 4) cx, cy, w, h as shares. true_boxes: (P, 4) corners in pixels.
        sizes: (P, 2) of their images. n: what to divide by.
    """
    true = boxes_as_shares(true_boxes[:, None], sizes)[:, 0]
    distance = (boxes - true).abs().sum()
    corners = boxes_in_pixels(boxes[:, None], sizes)  # (P, 1, 4)
    giou = box_giou(corners, true_boxes[:, None])  # (P, 1, 1): each with its own partner
    return {"box": BOX * distance / n, "giou": GIOU * (1 - giou).sum() / n}


def mask_losses(logits: Tensor, true: Tensor, n: Tensor) -> dict[str, Tensor]:
    """BCE and Dice of pairs, at the resolution of the head.

    Args:
        logits: (P, h, w). true: (P, H, W) bool. n: what to divide by.
    """
    shares = shrunk(true, logits.shape[1:])  # (P, h, w)
    bce = mask_bce(logits, shares).sum()
    dice = dice_loss(logits.sigmoid(), shares).sum()
    return {"bce": BCE * bce / n, "dice": DICE * dice / n}
