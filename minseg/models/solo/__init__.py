"""SOLO, in the order in which its ideas build on one another.

1. `grid`          which cell owns which thing
2. `coordinates`   how a convolution learns where it is
3. `dynamic`       a mask is a kernel that runs over features
4. `heads`         the class branch, and what towers share
5. `losses`        focal for every cell, Dice for the masks of positive ones
6. `inference`     point NMS, maskness
7. `segmenter`     all of it in a row: `losses` in training, `predict` at test
8. `model`         `SOLO` and `DecoupledSOLO`

`minseg.models.solov2` writes the kernels anew for each image, and `minseg.models.suppression` has
Matrix NMS. The letters in the shapes are those of `minseg.models`.
"""

from minseg.models.solo.coordinates import coordinate_channels, with_coordinates
from minseg.models.solo.dynamic import dynamic_conv
from minseg.models.solo.grid import grid_targets, mass_centres
from minseg.models.solo.inference import point_nms
from minseg.models.solo.model import SOLO, DecoupledSOLO
from minseg.models.solo.segmenter import GridSegmenter

__all__ = [
    "SOLO",
    "DecoupledSOLO",
    "GridSegmenter",
    "coordinate_channels",
    "dynamic_conv",
    "grid_targets",
    "mass_centres",
    "point_nms",
    "with_coordinates",
]
