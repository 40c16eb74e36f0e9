"""What the query viewer shows of a query: where it looks, its class, box and mask after each layer.

All of it is read off a `DETRTrace` of the model. Unit 54.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from minseg.data import STUFF, THINGS
from minseg.experiments.detr_trace import DETRTrace
from minseg.explore.base.colours import data_url
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.base.values import rounded

NAMES = {**THINGS, **STUFF}  # of the categories that scenes have
DARK = 0.12  # how much of the image is left where a query does not look at all
DECIMALS = 1  # of boxes, in pixels


def numbers(trace: DETRTrace, query: int, layer: int, head: int | None) -> dict[str, Any]:
    """What the browser draws of a query.

    Args:
        query, layer: which, from 0. head: whose attention, from 0; None for the mean of all.

    Returns:
        `looks`, a picture for each layer to lay over the image, and `boxes` (x1, y1, x2, y2);
        `mask`, the SVG path of the chosen layer; `rows`, texts for each layer; `facts`.
    """
    layers = range(len(trace.looks))
    rows = [row(trace, query, k, head) for k in layers]
    return {
        "looks": [data_url(spotlight(trace.look(k, query, head))) for k in layers],
        "boxes": rounded(trace.boxes[:, query], DECIMALS),
        "mask": pixels_path(trace.masks[layer, query]),
        "rows": rows,
        "facts": facts(trace, query, layer, head),
    }


def queries(trace: DETRTrace) -> list[dict[str, Any]]:
    """For each query what it says in the end: `text`, whether it is `sure`, its `box`."""
    said = []
    for q, p in enumerate(trace.probabilities[-1]):
        name, probability = says(trace, p)
        box = rounded(trace.boxes[-1, q], DECIMALS)
        sure = name != "no object"
        said.append({"text": f"{name} {probability:.2f}", "sure": sure, "box": box})
    return said


def spotlight(look: Tensor) -> Tensor:
    """(h, w) in [0, 1]: bright where a query looks most, and not quite black elsewhere."""
    return DARK + (1 - DARK) * look / look.max().clamp(min=1e-12)


def says(trace: DETRTrace, p: Tensor) -> tuple[str, float]:
    """The likeliest class of probabilities (C + 1,) and how likely it is."""
    names = [NAMES.get(c, f"class {c}") for c in trace.model.categories] + ["no object"]
    best = int(p.argmax())
    return names[best], p[best].item()


def row(trace: DETRTrace, query: int, layer: int, head: int | None) -> list[str]:
    """Texts for a layer: class, mask IoU, attention on the thing, what would be learnt."""
    name, p = says(trace, trace.probabilities[layer, query])
    thing, partner = trace.thing_of(query), int(trace.partner[layer, query])
    fit = share = "–"
    if thing >= 0:
        fit = f"{trace.iou[layer, query, thing]:.2f}"
        share = f"{trace.share_on(trace.look(layer, query, head), thing):.0%}"
    return [f"{name} {p:.2f}", fit, share, f"thing {partner + 1}" if partner >= 0 else "no object"]


def facts(trace: DETRTrace, query: int, layer: int, head: int | None) -> str:
    """The sentence under the viewer."""
    said, fit, share, _ = row(trace, query, layer, head)
    thing = trace.thing_of(query)
    whose = "its attention" if head is None else f"the attention of head {head + 1}"
    found = "it touches no thing"
    if thing >= 0:
        found = f"mask IoU {fit} with thing {thing + 1}, on which {share} of {whose} lies"
    return f"Query {query + 1}, layer {layer + 1} of {len(trace.looks)}: {said}; {found}."
