"""The losses of Mask R-CNN, and what their gradients reach: C09 to C14, C17, C50 to C52.

An untrained network for discs, boxes and triangles, and the one for coins that comes with the
package.
"""

from __future__ import annotations

import statistics
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.boxes import encode
from minseg.experiments import mask_rcnn_probes as probes
from minseg.ledger.measured import Measured, mean_sd, seeded
from minseg.ledger.results import result
from minseg.ledger.scenes import coin_scenes, shape_scenes
from minseg.models import MaskRCNN, load_coins
from minseg.models.mask_rcnn.model import random_rows
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS, sample_proposals
from minseg.models.padding import pad_images, pad_truth


@cache
def _untrained() -> MaskRCNN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskRCNN(classes=3)  # discs, boxes and triangles


@cache
def _pulls() -> tuple[dict[str, Tensor], Tensor]:
    """The five losses on eight scenes; gradients of each and of the sum in the backbone (6, W)."""
    return probes.pulls(_untrained(), shape_scenes(8))


@cache
def _pushes() -> probes.Pushes:
    """Gradients of four mask losses with respect to the mask logits."""
    return probes.mask_pushes(_untrained(), shape_scenes(8))


def c09() -> Measured:
    """The total loss is L_detection + λ_mask L_mask + λ_class L_class."""
    five = _pulls()[0]
    total, last = torch.stack(list(five.values())).sum(), _untrained().box_head.classes.weight
    once, twice = (
        torch.autograd.grad(loss, last, retain_graph=True)[0].norm().item()
        for loss in (total, total + five["class"])
    )
    return Measured(
        f"with λ_class = 1 the class layer's gradient is {twice / once:.2f} times as large.",
        abs(twice / once - 2) < 1e-4,
    )


def c10() -> Measured:
    """The detection loss is L_cls + L_reg."""
    five = list(_pulls()[0])
    return Measured(f"four terms and the mask's: {', '.join(five)}.", len(five) == 5)


def c11() -> Measured:
    """The mask loss is a mean over the RoI's pixels, further down a sum."""
    ratio = (_pushes().total.norm() / _pushes().mean.norm()).item()
    return Measured(
        f"the sum's gradient is {ratio:.0f} = 28² times the mean's.", abs(ratio - 784) < 0.1
    )


def c12() -> Measured:
    """Only the predicted class's mask gets a loss."""
    push = _pushes()
    right, count = int((push.said == push.classes).sum()), len(push.classes)
    own = F.one_hot(push.classes, 3).bool()  # (P, 3)
    return Measured(
        f"{count} things; an untrained network's class is the true one for {right} of them: the "
        f"other {count - right} would teach another channel.",
        bool(push.predicted[~own].any()) and right < 0.6 * count,
    )


def c13() -> Measured:
    """That prevents competition between the masks of different classes."""
    push = _pushes()
    own = F.one_hot(push.classes, 3).bool()
    others = [(g[~own].norm() / g[own].norm()).item() for g in (push.mean, push.softmax)]
    return Measured(
        f"gradient of the other channels, relative to the own: {others[0]:.0f} with sigmoids, "
        f"{others[1]:.1f} with a softmax.",
        others[0] == 0 < others[1],
    )


def c14() -> Measured:
    """λ_mask is typically 1, which means equal importance."""
    ratios = [result("gradients")[name]["longest over shortest"] for name in ("random", "trained")]
    early, late = (
        f"{statistics.median(one):.0f} ({min(one):.0f} to {max(one):.0f})" for one in ratios
    )
    return Measured(
        f"all λ = 1, {len(ratios[0])} batches. Longest of five gradients in the backbone over the "
        f"shortest, median and range: {early} with random weights, {late} in a trained network.",
        min(map(min, ratios)) > 3,
    )


def c17() -> Measured:
    """The gradient of shared parameters is the sum of the tasks' gradients."""
    gradients = _pulls()[1]
    gap = (gradients[5] - gradients[:5].sum(dim=0)).norm() / gradients[5].norm()
    cosines = result("gradients")["trained"]["class with mask"]
    return Measured(
        "the sum of five gradients and the gradient of the sum agree to 0.01 %. Cosine of class "
        f"and mask in a trained network, over {len(cosines)} batches: {mean_sd(cosines)}.",
        bool(gap < 1e-4),
    )


def c50() -> Measured:
    """The classification loss supervises all RoIs densely."""
    model = load_coins()
    scene = coin_scenes(3, count=(5, 7))[2]
    batch, sizes = pad_images(scene.image[None], 16)
    truth = pad_truth([scene.instances], model.categories, sizes, batch.shape[2:])
    proposals = probes.flow(model, scene.image)["RoIs"][:60, 1:]
    rois = torch.cat([proposals, scene.instances.boxes])[None]
    lots = random_rows([seeded(0)], rois.shape[1], rois.device)
    classes = sample_proposals(rois, lots >= 0, truth, lots, classes=1).classes  # 1: background
    n = rois.shape[1], len(classes), int((classes == 0).sum())
    return Measured(
        f"{n[0]} RoIs, {n[1]} drawn: {n[2]} coins, {n[1] - n[2]} background.", n[1:] == (32, 8)
    )


def c51() -> Measured:
    """The regression loss is smooth L1 between predicted and true box, for positive RoIs only."""
    true = torch.tensor([[10.0, 10, 26, 26], [10.0, 10, 106, 106]])
    moved = true + torch.tensor([1.0, 0, 1, 0]) * 0.1 * (true[:, 2:3] - true[:, :1])
    deltas = encode(moved, true, BOX_WEIGHTS)
    raw, coded = (
        F.smooth_l1_loss(a, b, beta=1 / 9, reduction="none").mean(dim=1).tolist()
        for a, b in ((moved, true), (deltas, 0 * deltas))
    )
    return Measured(
        f"boxes of side 16 and 96 px, off by a tenth: loss of the boxes {raw[0]:.2f} and "
        f"{raw[1]:.2f}, of the deltas {coded[0]:.2f} and {coded[1]:.2f}.",
        raw[1] > 5 * raw[0] and abs(coded[0] - coded[1]) < 1e-5,
    )


def c52() -> Measured:
    """L = L_cls + λ_reg L_reg + λ_mask L_mask."""
    five = {name: loss.item() for name, loss in _pulls()[0].items()}
    heads, total = five["class"] + five["box"] + five["mask"], sum(five.values())
    return Measured(
        f"the three terms of the heads are {heads:.1f} of {total:.1f} in an untrained network; the "
        "rest is RPN's.",
        heads < total - 0.5,
    )
