"""Three metrics on one fault: all things of a map lose a pixel all around, again and again."""

from __future__ import annotations

from torch import Tensor

from minseg.data import STUFF, THINGS
from minseg.experiments import panoptic_edits
from minseg.metrics import average_precision, boundary_iou, panoptic_quality
from minseg.panoptic import to_instances


def metrics_of_peeled(truth: Tensor, steps: int = 4) -> dict[str, list[float]]:
    """AP of masks, mean boundary IoU and PQ of things, after 0, 1, … `steps` pixels are peeled off.

    Args:
        truth: (H, W) panoptic map with things.
    """
    things = [segment for segment in truth.unique().tolist() if segment % 1000]
    true = to_instances(truth)
    found: dict[str, list[float]] = {"AP of masks": [], "mean boundary IoU": [], "PQ of things": []}
    peeled = truth
    for _ in range(steps + 1):
        ap = average_precision([to_instances(peeled)], [true], kind="mask").ap
        masks = [(ids[None] == one) for ids in (peeled, truth) for one in things]
        pairs = zip(masks[: len(things)], masks[len(things) :], strict=True)
        edges = [boundary_iou(a, b).item() for a, b in pairs]
        quality = panoptic_quality([peeled], [truth], things=THINGS, stuff=STUFF)
        values = (ap, sum(edges) / len(edges), quality.things.pq)
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
        for segment in set(things) & set(peeled.unique().tolist()):
            peeled = panoptic_edits.shrink(peeled, segment)
    return found
