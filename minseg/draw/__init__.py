"""Pictures: a figure and its alt text, segmentations, and each concept of the course.

A reading order:

1. `figure`           the palette, a figure in the course's style, `png`, `show` with alt text
2. `segmentation`     an image, its instances, a panoptic map, boxes, a grid
3. `overlay`          a mask on an image: its fill, its outline, its number
4. `texts`            texts of a figure that cannot be read
5. `moving`           some figures as one picture that moves

Then one file for each concept, each with the figures of the units that teach it: `tasks`,
`answers` (10), `grids`, `masks` (11), `outlines` (12), `landscape` (13), `losses`, `push_table`
(14), `outline_arrows` (15), `masks_in_one_picture` (end of part 1); `regions` (20 to 22), `lanes`
(23, 24), `part_two`; `ap` (30), `groups` (31), `boundaries` (32), `panoptic_errors` (34);
`network` (40), `targets`, `mask_rcnn` (40 to 42), `strategies` (43 to 45), `training_costs` (45);
`shapes` (50 to 53). This package exports what every unit uses; the concepts' figures are imported
from their files.
"""

from minseg.draw.figure import (
    ALIGN_COLOUR,
    DPI,
    EXACT_COLOUR,
    INSTANCE_COLOURS,
    LOOK,
    MAX_WIDTH,
    POOL_COLOUR,
    STUFF_COLOURS,
    TRUTH_COLOUR,
    VOID_COLOUR,
    figure,
    png,
    show,
)
from minseg.draw.segmentation import (
    MOST_DRAWN,
    draw_boxes,
    draw_crops,
    draw_grid,
    draw_image,
    draw_instances,
    draw_panoptic,
)

__all__ = [
    "ALIGN_COLOUR",
    "DPI",
    "EXACT_COLOUR",
    "INSTANCE_COLOURS",
    "LOOK",
    "MAX_WIDTH",
    "MOST_DRAWN",
    "POOL_COLOUR",
    "STUFF_COLOURS",
    "TRUTH_COLOUR",
    "VOID_COLOUR",
    "draw_boxes",
    "draw_crops",
    "draw_grid",
    "draw_image",
    "draw_instances",
    "draw_panoptic",
    "figure",
    "png",
    "show",
]
