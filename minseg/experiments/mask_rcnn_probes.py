"""Five measurements on a Mask R-CNN, each one experiment of units 40 to 42.

    flow                                        what each part hands on to the next
    pulls                                       how long each loss's gradient is in the backbone
    mask_pushes                                 on which channels the gradient of a mask loss lands
    masks_in_moved_boxes                        mask IoU where the box is wrong
    things_of, learn_masks, quality_by_class    whether masks carry over to a class without any

No measurement changes its model. (He et al., Mask R-CNN, 2017, sections 3 and 4.2.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.data import SceneDataset
from minseg.data.example import Example
from minseg.instances import Instances
from minseg.losses import mask_bce
from minseg.losses.mask import select_class_masks
from minseg.masks import from_grid, to_grid
from minseg.metrics import mask_iou
from minseg.models import MaskHead, MaskRCNN
from minseg.models.mask_rcnn.model import BOX_GRID, MASK_GRID
from minseg.models.mask_rcnn.roi_heads import mask_targets, read_pyramid
from minseg.models.mask_rcnn.rpn import propose
from minseg.models.padding import pad_images, pad_truth

STEPS, BATCH = 60, 32  # of mask heads that are trained on fixed features


@torch.no_grad()
def flow(model: MaskRCNN, image: Tensor) -> dict[str, Tensor]:
    """What each part hands on for one image (3, H, W), by name and in order."""
    # First stage: a pyramid, and for each of its anchors an objectness and a move.
    batch, sizes = pad_images(image[None], model.strides[-1])
    pyramid, anchors, objectness, deltas = model.first_stage(batch)
    boxes, real = propose(objectness, deltas, anchors, sizes, keep=model.proposals[1])
    # Second stage: RoIs read at two sizes, for boxes and for masks.
    rois = F.pad(boxes[0][real[0]], (1, 0))  # (R, 5): image 0, box
    small, large = (
        read_pyramid(pyramid, model.strides, rois, n, cells=model.cells, roi_op=model.roi_op)
        for n in (BOX_GRID, MASK_GRID)
    )
    logits, moves = model.box_head(small)
    levels = {f"features, stride {s}": p for s, p in zip(model.strides, pyramid, strict=True)}
    return {
        "image": batch,
        **levels,
        "objectness": objectness,
        "anchors' moves": deltas,
        "RoIs": rois,
        "RoIs, read for boxes": small,
        "class logits": logits,
        "boxes' moves": moves,
        "RoIs, read for masks": large,
        "mask logits": model.mask_head(large),
    }


def pulls(model: MaskRCNN, scenes: Sequence[Example]) -> tuple[dict[str, Tensor], Tensor]:
    """The five losses of a batch, and their gradients by the weights that they share.

    Returns:
        The losses by name, with their graphs. Gradients (6, W): one row for each loss, over all W
        weights of the backbone, and a last row for their sum.
    """
    images = torch.stack([scene.image for scene in scenes])
    targets = [scene.instances for scene in scenes]
    losses = model.losses(images, targets, seeds=range(len(scenes)))
    shared = list(model.backbone.parameters())
    rows = []
    for loss in (*losses.values(), torch.stack(list(losses.values())).sum()):
        gradients = torch.autograd.grad(loss, shared, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    return losses, torch.stack(rows)


class Pushes(NamedTuple):
    """Gradients of four mask losses with respect to the mask logits, (P, C, 28, 28) each."""

    classes: Tensor  # (P,) true class indices
    said: Tensor  # (P,) the box head's class indices
    mean: Tensor  # of the mean over cells, on the true class's channel
    total: Tensor  # of the sum over cells
    predicted: Tensor  # of the mean, on the predicted class's channel
    softmax: Tensor  # of the true class in a softmax over classes and background


def mask_pushes(model: MaskRCNN, scenes: Sequence[Example]) -> Pushes:
    """Gradients of a batch's mask losses, averaged over things, with true boxes for RoIs."""
    # The true things of the batch, as RoIs.
    batch, sizes = pad_images([scene.image for scene in scenes], model.strides[-1])
    instances = [scene.instances for scene in scenes]
    truth = pad_truth(instances, model.categories, sizes, batch.shape[2:])
    image, thing = (truth.classes >= 0).nonzero(as_tuple=True)  # (P,) both
    classes = truth.classes[image, thing]
    rois = torch.cat([image[:, None].float(), truth.boxes[image, thing]], dim=1)  # (P, 5)
    # What the heads say of them.
    with torch.no_grad():
        pyramid = model.first_stage(batch)[0]
        said = model.read_boxes(pyramid, rois)[0][:, :-1].argmax(dim=1)
        z = model.read_masks(pyramid, rois)  # (P, C, 28, 28)
    z.requires_grad_()
    t = mask_targets(rois, thing, truth, z.shape[-1])  # (P, 28, 28)
    # Four losses for each thing: (P,), and softmax's for each cell.
    right = mask_bce(select_class_masks(z, classes), t)
    cells = t[0].numel()
    log_p = F.pad(z, (0, 0, 0, 0, 0, 1)).log_softmax(dim=1)  # background's logit is 0
    softmax = -(t * select_class_masks(log_p[:, :-1], classes) + (1 - t) * log_p[:, -1])
    losses = right, cells * right, mask_bce(select_class_masks(z, said), t), softmax
    gradients = [torch.autograd.grad(x.mean(), z, retain_graph=True)[0] for x in losses]
    return Pushes(classes, said, *gradients)


@torch.no_grad()
def masks_in_moved_boxes(
    model: MaskRCNN, image: Tensor, truth: Instances, shifts: Sequence[float]
) -> dict[float, tuple[float, float]]:
    """How good masks are in boxes that lie beside their things.

    Args:
        model: of one class.
        image: (3, H, W).
        truth: its instances.
        shifts: pixels by which true boxes are moved, each in its own random direction.

    Returns:
        For each shift: the mean mask IoU, and the mean share of the things that is still in their
        boxes.
    """
    pyramid = model.first_stage(pad_images(image[None], model.strides[-1])[0])[0]
    angle = 2 * torch.pi * torch.rand(len(truth), generator=torch.Generator().manual_seed(0))
    way = torch.stack([angle.cos(), angle.sin()], dim=1).repeat(1, 2)  # (N, 4) for both corners
    measured = {}
    for shift in shifts:
        boxes = truth.boxes + shift * way
        p = model.read_masks(pyramid, F.pad(boxes, (1, 0)))[:, 0].sigmoid()
        iou = mask_iou(from_grid(p, boxes, *image.shape[1:]), truth.masks).diagonal()
        box = from_grid(torch.ones(len(boxes), 1, 1), boxes, *image.shape[1:], mode="nearest")
        inside = (truth.masks & box).sum(dim=(1, 2)) / truth.masks.sum(dim=(1, 2))
        measured[shift] = iou.mean().item(), inside.mean().item()
    return measured


class Things(NamedTuple):
    """The things of some scenes: the features in their true boxes, and the masks to learn."""

    grids: Tensor  # (T, channels, 14, 14)
    targets: Tensor  # (T, 28, 28)
    classes: Tensor  # (T,) from 0 on


@torch.no_grad()
def things_of(model: MaskRCNN, split: str, scenes: int) -> Things:
    """All things of the first scenes of a split of discs, boxes and triangles."""
    parts = []
    for scene in (SceneDataset(split)[k] for k in range(scenes)):
        padded, _ = pad_images(scene.image[None], model.strides[-1])
        pyramid, boxes = model.first_stage(padded)[0], scene.instances.boxes
        grids = read_pyramid(pyramid, model.strides, F.pad(boxes, (1, 0)), MASK_GRID)
        targets = to_grid(scene.instances.masks, boxes, 2 * MASK_GRID)
        parts.append((grids, targets, scene.instances.labels - 1))
    return Things(*(torch.cat(part) for part in zip(*parts, strict=True)))


def learn_masks(things: Things, *, class_agnostic: bool, seed: int = 0) -> MaskHead:
    """A mask head, trained for 60 steps on fixed features."""
    with torch.random.fork_rng(devices=[]):  # leaves the global state as it was
        torch.manual_seed(seed)
        head = MaskHead(things.grids.shape[1], 64, 2, 3, class_agnostic, norm=True)
    optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3)
    for step in range(STEPS):
        rows = (BATCH * step + torch.arange(BATCH)) % len(things.classes)
        logits = select_class_masks(head(things.grids[rows]), things.classes[rows])
        optimiser.zero_grad()
        mask_bce(logits, things.targets[rows]).mean().backward()
        optimiser.step()
    return head


@torch.no_grad()
def quality_by_class(head: MaskHead, things: Things) -> list[float]:
    """The mean IoU, on the grid, of each class's masks, read from the true class's channel."""
    p = select_class_masks(head(things.grids), things.classes) > 0
    t = things.targets >= 0.5
    iou = (p & t).sum(dim=(1, 2)) / (p | t).sum(dim=(1, 2)).clamp(min=1)
    return [iou[things.classes == k].mean().item() for k in range(3)]
