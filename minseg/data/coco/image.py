"""One image of a COCO file, in the three forms in which a reader asks for it.

    `CocoImage`      all pixels: what models are trained on and what is looked at
    `RunInstances`   run lengths: what mask and boundary AP need
    `Boxes`          boxes as annotated: what box AP needs

(Lin et al., Microsoft COCO, 2014.) `minseg.data.coco.instances` makes them. Unit 31.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from minseg.data.coco.records import Id
from minseg.instances import Instances
from minseg.masks.runs import Runs


@dataclass(frozen=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        image_id, file_name: as in the file; the name is None where it has none.
        instances: with crowds and annotated areas, or with scores if these are results.
        boxes: (N, 4) float64 (x1, y1, x2, y2) as annotated; None means the masks' tight boxes.
        image: (3, H, W) float in [0, 1], where the folder of images was named, else None.
    """

    image_id: Id
    file_name: str | None
    instances: Instances
    boxes: Tensor | None = None
    image: Tensor | None = None


class Boxes(NamedTuple):
    """What box AP reads of one image: boxes as the file has them, no masks needed."""

    boxes: Tensor  # (N, 4) float64 x1, y1, x2, y2
    scores: Tensor  # (N,) float64
    labels: Tensor  # (N,) int64
    areas: Tensor  # (N,) float64, of the annotation; of a result, its box or else its mask
    crowd: Tensor  # (N,) bool
    box_areas: Tensor  # (N,) float64, width × height: x2 - x1 has lost the last digits of the width


class RunInstances(NamedTuple):
    """What mask AP reads of one image, without a pixel."""

    runs: Runs  # N masks
    scores: Tensor  # (N,) float64
    labels: Tensor  # (N,) int64
    areas: Tensor  # (N,) float64, as annotated, else counted
    crowd: Tensor  # (N,) bool
