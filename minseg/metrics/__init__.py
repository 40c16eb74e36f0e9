"""What a prediction is worth: overlaps, average precision, boundaries, panoptic quality.

Read `iou` first: how alike two masks are. Then one of the two questions that are asked of it:

    average precision    ap           collects images; its header maps the way of the data
                         ap_overlap   what overlap means: of masks, boxes or boundaries
                         ap_matching  which detection found which truth, and the crowd rule
                         ap_curve     precision, recall and the area under them
                         ap_result    the twelve numbers
    panoptic quality     pq           `panoptic_quality_loop`, all of it in one function; the map
                         pq_overlaps  how many pixels two segments share
                         pq_matching  which segments match: TP, FP, FN
                         pq_result    PQ, SQ, RQ and their means
                         pq_errors    where 1 − PQ went

and what plain overlap does not see: `boundary` (bands and trimaps; `boundary_runs` for large
pictures) and `surface` (distances between outlines).
"""

from minseg.metrics.ap import APAccumulator, average_precision
from minseg.metrics.boundary import (
    boundary_iou,
    boundary_of,
    boundary_of_loop,
    trimap,
    trimap_accuracy,
)
from minseg.metrics.iou import mask_iou, mask_iou_loop
from minseg.metrics.pq import PQAccumulator, panoptic_quality, panoptic_quality_loop
from minseg.metrics.pq_errors import panoptic_errors
from minseg.metrics.surface import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
    surface_distances_loop,
)

__all__ = [
    "APAccumulator",
    "PQAccumulator",
    "average_precision",
    "average_symmetric_surface_distance",
    "boundary_iou",
    "boundary_of",
    "boundary_of_loop",
    "hausdorff_distance",
    "mask_iou",
    "mask_iou_loop",
    "panoptic_errors",
    "panoptic_quality",
    "panoptic_quality_loop",
    "surface_distances",
    "surface_distances_loop",
    "trimap",
    "trimap_accuracy",
]
