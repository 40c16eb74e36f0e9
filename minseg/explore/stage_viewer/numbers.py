"""What the stage viewer shows: every RoI at each stage, and one RoI followed through all of them.

Of the chosen RoI there is a line for each stage, its box before and after the box head, its mask,
its class scores, and what the mask head sees. All of it is read off a `MaskRCNNTrace` of the model;
a box that was moved by hand is put to the heads anew. Unit 40.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.boxes import box_iou
from minseg.data import COIN, THINGS
from minseg.experiments.mask_rcnn_trace import SURE, Heads, MaskRCNNTrace
from minseg.explore.base.png import to_png
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.base.values import rounded
from minseg.metrics.iou import mask_iou
from minseg.models.mask_rcnn.model import MASK_GRID

STAGES = {
    "anchors": "Anchors",
    "proposals": "Proposals",
    "samples": "Sampled RoIs",
    "boxes": "Class and box",
    "masks": "Masks",
}
NAMES = {**THINGS, COIN: "coin"}  # of the categories that scenes have
DECIMALS = 3  # of what is sent


def numbers(
    trace: MaskRCNNTrace, stage: str, k: int, box: tuple[float, ...] = ()
) -> dict[str, Any]:
    """What the browser draws of RoI k.

    Args:
        stage: one of `STAGES`, which the facts are about.
        box: (x1, y1, x2, y2) where the RoI was moved to; () where it was proposed.
    """
    if box:
        proposal = torch.tensor(box)
        heads = trace.ask(proposal[None])
    else:
        proposal = trace.proposal[k]
        heads = Heads(*(part[k][None] for part in trace.heads))
    pasted = trace.paste(heads)  # (1, H, W)
    said = lines(trace, k, proposal, heads, pasted)
    return {
        **_shown(trace, k, proposal, heads, pasted),
        "lines": said,
        "moved": bool(box),
        "facts": f"RoI {k + 1} of {len(trace.proposal)}, {STAGES[stage]}: {said[stage]}",
    }


def rois(trace: MaskRCNNTrace) -> dict[str, list[list[Any]]]:
    """(x1, y1, x2, y2, how it is drawn) of every RoI, for each stage."""
    level = [f"level{k}" for k in trace.level.tolist()]
    role = [("left", "background", "positive")[r + 1] for r in trace.role.tolist()]
    kept = ["kept" if k else "lost" for k in trace.kept.tolist()]
    stages = {
        "anchors": (trace.anchor, level),
        "proposals": (trace.proposal, level),
        "samples": (trace.proposal, role),
        "boxes": (trace.heads.refined, kept),
        "masks": (trace.heads.refined, kept),
    }
    return {
        name: [[*box, word] for box, word in zip(boxes.tolist(), words, strict=True)]
        for name, (boxes, words) in stages.items()
    }


def names_of(categories: Sequence[int]) -> list[str]:
    """A word for each class, and one for none."""
    return [NAMES.get(c, f"class {c}") for c in categories] + ["background"]


def captions(trace: MaskRCNNTrace) -> dict[str, str]:
    """What is drawn at each stage, in one sentence."""
    count, kept = len(trace.proposal), int(trace.kept.sum())
    positives, others = int((trace.role == 1).sum()), int((trace.role == 0).sum())
    return {
        "anchors": f"Of {sum(trace.anchors)} anchors, the {count} that became proposals.",
        "proposals": f"The RPN has moved each of the {count} anchors by its own four deltas.",
        "samples": f"Training would draw {positives} as positives, IoU ≥ ½ with a thing (white), "
        f"and {others} as background.",
        "boxes": f"The box head moves each again and names its class; {kept} are kept: above ½, "
        "and no better one overlaps.",
        "masks": f"The mask head draws one mask in each of the {kept} boxes that are kept.",
    }


def lines(
    trace: MaskRCNNTrace, k: int, box: Tensor, heads: Heads, pasted: Tensor
) -> dict[str, str]:
    """What each stage makes of RoI k, in words.

    Args:
        box: (4,) the proposal, or wherever it was moved to. heads: the answer for it, K = 1.
        pasted: (1, H, W) its mask.
    """
    moved = not torch.equal(box, trace.proposal[k])
    label, (iou, thing) = int(heads.best[0]), trace.iou(box[None])
    score, nearest = heads.scores[0, label].item(), int(thing[0])
    after = of_mask = 0.0
    if nearest >= 0:
        after = box_iou(heads.refined, trace.things)[0, nearest].item()
        of_mask = mask_iou(pasted, trace.truth.masks)[0, nearest].item()
    name, stride = names_of(trace.model.categories)[label], trace.model.strides[int(heads.level[0])]
    return {
        "anchors": "none, the box was moved by hand" if moved else _anchor(trace, k),
        "proposals": f"none at {_box(box)}" if moved else _moves(trace.deltas[k], box),
        "samples": _role(trace, k, float(iou[0]), nearest, moved),
        "boxes": f"{name} {score:.2f}; {_moves(heads.deltas[0], heads.refined[0])}, "
        f"IoU {after:.2f}; {_fate(trace, k, score, moved)}",
        "masks": f"14 × 14 cells of the level of stride {stride} → 28 × 28 probabilities → "
        f"{int(pasted.sum())} pixels, mask IoU {of_mask:.2f}",
    }


def _shown(
    trace: MaskRCNNTrace, k: int, box: Tensor, heads: Heads, pasted: Tensor
) -> dict[str, Any]:
    """Boxes, mask, scores, and the two pictures of the mask head."""
    x1, y1, x2, y2 = heads.refined[0].tolist()
    names = names_of(trace.model.categories)
    return {
        "anchor": rounded(trace.anchor[k], DECIMALS),
        "proposal": rounded(box, DECIMALS),
        "refined": rounded(heads.refined[0], DECIMALS),
        "columns": rounded(torch.linspace(x1, x2, MASK_GRID + 1), DECIMALS),
        "rows": rounded(torch.linspace(y1, y2, MASK_GRID + 1), DECIMALS),
        "mask": pixels_path(pasted[0]),
        "scores": [[n, s] for n, s in zip(names, rounded(heads.scores[0], DECIMALS), strict=True)],
        "features": _picture(heads.grid[0] / heads.grid[0].amax().clamp(min=1e-6)),
        "probabilities": _picture(heads.logits[0].sigmoid()),
    }


def _anchor(trace: MaskRCNNTrace, k: int) -> str:
    level, (x1, y1, x2, y2) = int(trace.level[k]), trace.anchor[k].tolist()
    return (
        f"{x2 - x1:.0f} × {y2 - y1:.0f} px around ({(x1 + x2) / 2:.0f}, {(y1 + y2) / 2:.0f}), one "
        f"of {trace.anchors[level]} of stride {trace.model.strides[level]}; objectness "
        f"{trace.objectness[k]:.2f}"
    )


def _role(trace: MaskRCNNTrace, k: int, iou: float, thing: int, moved: bool) -> str:
    if thing < 0:
        met, label = "touches no thing", ""
    else:
        met = f"IoU {iou:.2f} with thing {thing + 1}"
        label = NAMES.get(int(trace.truth.labels[thing]), "thing")
    if moved:
        return f"{met}: would train as {f'a {label}' if iou >= 0.5 else 'background'}"
    role = ("not drawn", "drawn as background", f"drawn as a {label}")[int(trace.role[k]) + 1]
    return f"{met}: {role}"


def _fate(trace: MaskRCNNTrace, k: int, score: float, moved: bool) -> str:
    if score <= SURE:
        return "below ½, dropped"
    if moved:
        return "above ½"
    return "kept" if trace.kept[k] else "dropped, a better one stands there"


def _picture(values: Tensor) -> str:
    """(h, w) in [0, 1] as a grey PNG in a data URL."""
    return "data:image/png;base64," + base64.b64encode(to_png(values)).decode("ascii")


def _box(box: Tensor) -> str:
    return f"({', '.join(f'{v:.1f}' for v in box.tolist())})"


def _moves(deltas: Tensor, box: Tensor) -> str:
    numbers = ", ".join(f"{v:+.2f}" for v in deltas.tolist()).replace("-", "−")
    return f"deltas ({numbers}) move it to {_box(box)}"
