"""How wrong a prediction is, with a gradient; and which prediction answers which truth."""

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
from minseg.losses.matching import detr_cost, hungarian_match
from minseg.losses.sampling import above_quantile, hard_negatives, ohem, sample_rois
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
    "hausdorff_of_points",
    "hungarian_match",
    "mask_bce",
    "mean_or_zero",
    "mean_over_processes",
    "ohem",
    "sample_rois",
    "select_class_masks",
    "signed_distance_loss",
    "soft_iou_loss",
]
