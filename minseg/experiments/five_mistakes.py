"""A prediction with one mistake of each of five kinds, to see where its panoptic quality went."""

from __future__ import annotations

from torch import Tensor

from minseg.data import make_scene
from minseg.experiments import panoptic_edits


def five_mistakes() -> tuple[Tensor, Tensor]:
    """The true map of a scene and a prediction, (96, 128) each.

    In the prediction disc 3 is a pixel too small all around, triangle 4 is drawn in the wrong
    place, disc 5 is missing, triangle 6 is called a box, and disc 9 is invented.

    Example:
        >>> truth, prediction = five_mistakes()
        >>> sorted(set(prediction.unique().tolist()) - set(truth.unique().tolist()))
        [0, 1009, 2001]
    """
    truth = make_scene(9, (96, 128), count=(5, 6)).panoptic
    prediction = panoptic_edits.shrink(truth, 1003)
    prediction = panoptic_edits.delete(prediction, 1005)
    prediction = panoptic_edits.relabel(prediction, 3006, 2)
    prediction = panoptic_edits.move(prediction, 3004, -9, 3)
    prediction[70:82, 8:20] = 1009
    return truth, prediction
