"""Losses: how wrong a prediction is, with a gradient; which candidates learn, and from which truth.

A reading order, one idea in each file:

1. `mask`       how wrong is a predicted mask? BCE, focal, Dice, soft IoU, signed distances
2. `contour`    how far is an outline from the true one? Chamfer, Hausdorff, boundary loss
3. `sampling`   which of many candidates train: at random, by rank, by loss
4. `matching`   which prediction answers which truth: the cheapest assignment
5. `balance`    weights for several losses that are learnt together
"""

from minseg.losses.balance import (
    UncertaintyWeights,
    difficulty_weights,
    dynamic_weight_average,
    gradient_balance,
)
from minseg.losses.contour import boundary_loss, chamfer_distance, hausdorff_of_points
from minseg.losses.mask import (
    dice_loss,
    focal_loss,
    mask_bce,
    mean_or_zero,
    select_class_masks,
    signed_distance_loss,
    soft_iou_loss,
)
from minseg.losses.matching import (
    detr_cost,
    hungarian_match,
    hungarian_match_loop,
    mask_cost,
    mask_cost_loop,
)
from minseg.losses.sampling import (
    above_quantile,
    hard_negatives,
    hard_negatives_loop,
    ohem,
    ohem_loop,
    sample_rois,
    sample_rois_loop,
)
from minseg.processes import mean_over_processes

__all__ = [
    "UncertaintyWeights",
    "above_quantile",
    "boundary_loss",
    "chamfer_distance",
    "detr_cost",
    "dice_loss",
    "difficulty_weights",
    "dynamic_weight_average",
    "focal_loss",
    "gradient_balance",
    "hard_negatives",
    "hard_negatives_loop",
    "hausdorff_of_points",
    "hungarian_match",
    "hungarian_match_loop",
    "mask_bce",
    "mask_cost",
    "mask_cost_loop",
    "mean_or_zero",
    "mean_over_processes",
    "ohem",
    "ohem_loop",
    "sample_rois",
    "sample_rois_loop",
    "select_class_masks",
    "signed_distance_loss",
    "soft_iou_loss",
]
