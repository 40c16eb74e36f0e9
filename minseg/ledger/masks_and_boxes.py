"""What boxes do for masks and masks for boxes, and what alignment is worth: C15, C16, C42, C137."""

from __future__ import annotations

import statistics

from minseg.boxes import box_iou
from minseg.data import coins_truth, photo
from minseg.experiments import mask_rcnn_probes as probes
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.ledger.measured import Measured, mean_sd
from minseg.ledger.results import result
from minseg.models import load_coins


def c15() -> Measured:
    """Better proposals and boxes make better masks."""
    shifts = (0, 4, 8, 16)
    worth = probes.masks_in_moved_boxes(load_coins(), photo("coins"), coins_truth(), shifts)
    iou, share = zip(*worth.values(), strict=True)
    return Measured(
        f"24 coins, boxes moved by {', '.join(map(str, shifts))} px: mean mask IoU "
        f"{', '.join(f'{v:.2f}' for v in iou)}; share of the coin in its box "
        f"{', '.join(f'{v:.2f}' for v in share)}.",
        all(a < b for a, b in worth.values()) and list(iou) == sorted(iou, reverse=True),
    )


def c16() -> Measured:
    """Masks refine boxes: there is a feedback loop between detection and segmentation."""
    model, image, truth = load_coins(), photo("coins"), coins_truth()
    (found,) = model.predict(image[None], score_threshold=0.5)
    trace = MaskRCNNTrace(model, image, truth)
    boxes = trace.heads.refined[trace.kept], found.boxes  # of the box head; tight around masks
    of_head, of_masks = (box_iou(each, truth.boxes).amax(dim=1) for each in boxes)
    return Measured(
        f"{len(of_masks)} coins: box IoU {mean_sd(of_head.tolist())} from the box head, "
        f"{mean_sd(of_masks.tolist())} from the tight boxes of the masks.",
        bool(of_masks.mean() > of_head.mean() + 0.01),
    )


def _ap(pyramid: str) -> dict[str, list[float]]:
    """Mask AP in points for each seed, by operator."""
    runs = result("roi_ablation")[pyramid]
    return {operator: [100 * ap for ap in aps] for operator, aps in runs.items()}


def c42() -> Measured:
    """Small errors of quantisation accumulate to a significant degradation of masks."""
    ap = _ap("stride16")
    return Measured(
        f"trained three times for 200 steps, stride 16, mask AP: {mean_sd(ap['pool'], 1)} pooled, "
        f"{mean_sd(ap['warp'], 1)} warped, {mean_sd(ap['align'], 1)} aligned.",
        min(ap["align"]) > 1 + max(*ap["pool"], *ap["warp"]),
    )


def c137() -> Measured:
    """RoIAlign and good masks are essential for accurate boundaries and localisation."""
    coarse, fine = _ap("stride16"), _ap("fpn")
    told, gain, share = [], [], []
    for ap in (coarse, fine):
        told.append(f"{mean_sd(ap['pool'], 1)} to {mean_sd(ap['align'], 1)}")
        before, after = statistics.fmean(ap["pool"]), statistics.fmean(ap["align"])
        gain.append(after - before)
        share.append(100 * (after / before - 1))
    return Measured(
        f"three runs of 200 steps, pooled to aligned, mask AP: {told[0]} at stride 16, {told[1]} "
        f"with a pyramid. In proportion stride 16 gains more ({share[0]:.0f} %, {share[1]:.0f} %), "
        f"in points less ({gain[0]:.1f}, {gain[1]:.1f}): the paper's order is not seen in points.",
        min(coarse["align"]) > max(coarse["pool"])
        and min(fine["align"]) > max(fine["pool"])
        and share[0] > share[1] > 10,
    )
