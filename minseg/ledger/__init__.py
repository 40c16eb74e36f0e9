"""The ledger: what a set of lecture notes on segmentation says, measured, with a verdict.

Each statement of the notes that can be checked has an id, C01 to C140. `claims.toml` has it in our
own words, with a verdict and the precise version; a function of the same name measures it: `c24`
of `grids` returns what was `Measured`, and whether that supports the verdict. `entries` reads the
words and finds the function; `results` has the figures of long runs. A file for each topic:

    tasks, grids, outlines, distances, consistency, contours         masks and tasks
    rounding, roi_align, detector_losses, mask_head,
    masks_and_boxes, weighing, sampling                              regions and Mask R-CNN
    panoptic_maps, panoptic_quality, average_precision, boundaries   panoptic maps and metrics
    overlap_losses                                                   without boxes
    costs                                                            what it costs

Begin with `boundaries`. The notebooks 91 to 95 show all of it as cards.
"""

from minseg.ledger.entries import NOTEBOOKS, VERDICTS, entries, measure, to_come
from minseg.ledger.measured import Measured

__all__ = ["NOTEBOOKS", "VERDICTS", "Measured", "entries", "measure", "to_come"]
