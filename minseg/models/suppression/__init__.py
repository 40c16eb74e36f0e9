"""Suppression: of several masks of one thing, one should keep its score.

1. `kernel`   how much an overlap costs; which masks can meet at all
2. `greedy`   take the best, drop or weaken what overlaps it, repeat: `mask_nms`, `soft_nms`
3. `matrix`   all masks at once, without a loop: `matrix_nms`, and a product that goes wrong

All take masks (N, H, W), labels and scores in any order; only masks of one label meet. Unit 52
shows them side by side. N counts masks, the candidates of one image.
"""

from minseg.models.suppression.greedy import mask_nms, mask_nms_loop, soft_nms, soft_nms_loop
from minseg.models.suppression.matrix import (
    matrix_nms,
    matrix_nms_loop,
    matrix_nms_product,
    matrix_nms_product_loop,
)

__all__ = [
    "mask_nms",
    "mask_nms_loop",
    "matrix_nms",
    "matrix_nms_loop",
    "matrix_nms_product",
    "matrix_nms_product_loop",
    "soft_nms",
    "soft_nms_loop",
]
