"""What the segmenter shows: a network's answer to one picture, cut off at a score.

A network gives each thing that it finds a score. Whoever uses it chooses a threshold, and what lies
below is dropped. Where the truth is known, each thing that was found either lies on a coin of its
own (IoU of at least ½, the best scores first) or on none, so it can be told what a threshold costs
on both sides: coins that are missed, and things that are no coins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from minseg.data import coins_truth, photo
from minseg.explore.base.svg_path import outline_path, pixels_path
from minseg.explore.base.values import rounded
from minseg.instances import Instances
from minseg.metrics import mask_iou
from minseg.models import MaskRCNN

LEAST = 0.05  # the lowest score that is asked for
BINS = 20  # of the histogram of scores, each 0.05 wide
NOISE, SEED = 0.2, 1  # standard deviation of the noisy picture's noise; black is 0, white 1
COINS, NOISY, OWN = "coins", "coins, noisy", "your own picture"


@dataclass(frozen=True, eq=False)
class Look:
    """A picture, what a network found in it, and what that lies on."""

    image: Tensor  # (3, H, W)
    found: Instances  # the best first
    truth: Instances | None  # None: nobody has annotated it
    partner: Tensor  # (N,) int64, the thing of the truth that each lies on; -1: on none


def noisy_coins(seed: int = SEED) -> Tensor:
    """(3, 303, 384) `photo("coins")` with grey noise, as a camera takes it in a dark room."""
    coins = photo("coins")
    noise = torch.randn(coins.shape[1:], generator=torch.Generator().manual_seed(seed))
    return (coins + NOISE * noise).clamp(0, 1)


def look_at(model: MaskRCNN, image: Tensor, truth: Instances | None = None) -> Look:
    """What the model finds in an image (3, H, W), from the score `LEAST` on."""
    found = model.predict([image], score_threshold=LEAST)[0]
    partner = torch.full((len(found),), -1)
    if truth is not None:
        partner = partners(mask_iou(found.masks, truth.masks))
    return Look(image, found, truth, partner)


def partners(iou: Tensor) -> Tensor:
    """(N,) which of T things each of N masks lies on; a thing is taken once, by the first mask.

    Args:
        iou: (N, T), the masks with the best scores first.

    >>> partners(torch.tensor([[0.9, 0.0], [0.8, 0.1], [0.2, 0.6]])).tolist()
    [0, -1, 1]
    """
    free, partner = iou.clone(), torch.full((len(iou),), -1)
    for k in range(len(iou)):
        if iou.shape[1] and free[k].max() >= 0.5:
            partner[k] = free[k].argmax()
            free[:, partner[k]] = 0
    return partner


def on_a_thing(look: Look) -> Tensor:
    """(N,) bool, which of the masks lie on a thing; where no truth is known, none is blamed."""
    return look.partner >= (0 if look.truth is not None else -1)


def drawing(look: Look) -> list[dict[str, Any]]:
    """SVG paths, box, score and kind of all that was found, then of the coins of the truth."""
    kinds = ["right" if right else "wrong" for right in on_a_thing(look).tolist()]
    shapes = [
        {
            "kind": kind,
            "score": f"{score:.2f}",
            "fill": pixels_path(mask),
            "line": outline_path(mask),
            "box": rounded(box, 2),
        }
        for kind, score, mask, box in zip(
            kinds, look.found.scores.tolist(), look.found.masks, look.found.boxes, strict=True
        )
    ]
    things = [] if look.truth is None else rounded(look.truth.boxes, 2)
    return shapes + [{"kind": "missed", "box": box} for box in things]


def numbers(look: Look, threshold: float) -> dict[str, Any]:
    """What the browser draws of a look at a threshold.

    Returns:
        `shown`, the numbers of those parts of `drawing` that are drawn; `bars`, for each bin of the
        histogram how many lie on a thing and how many do not; `threshold`; `facts`.
    """
    above = look.found.scores >= threshold
    shown = above.nonzero()[:, 0].tolist()
    missed = missed_things(look, threshold)
    return {
        "shown": shown + [len(look.found) + t for t in missed],
        "bars": histogram(look),
        "threshold": threshold,
        "facts": facts(look, threshold),
    }


def missed_things(look: Look, threshold: float) -> list[int]:
    """Which things of the truth nothing that is shown lies on."""
    taken = set(look.partner[look.found.scores >= threshold].tolist())
    return [] if look.truth is None else [t for t in range(len(look.truth)) if t not in taken]


def histogram(look: Look) -> list[list[int]]:
    """For each bin of scores from 0 to 1: how many lie on a thing, how many do not."""
    place = (look.found.scores * BINS).long().clamp(max=BINS - 1)
    right = on_a_thing(look)
    counts = [torch.bincount(place[side], minlength=BINS) for side in (right, ~right)]
    return torch.stack(counts, dim=1).tolist()


def facts(look: Look, threshold: float) -> str:
    """The sentence under the picture."""
    above = look.found.scores >= threshold
    shown, right = int(above.sum()), int((above & (look.partner >= 0)).sum())
    start = f"{_count(shown, 'mask')} with a score of at least {threshold:.2f}"
    if look.truth is None:
        return f"{start}; which of them are right, only you can tell"
    missed = len(look.truth) - right
    return f"{start}: {right} on a coin, {shown - right} on none; {_count(missed, 'coin')} missed"


def photos(own: Tensor | None = None) -> dict[str, tuple[Tensor, Instances | None]]:
    """Name → image and truth of all that can be looked at; nobody has annotated your own."""
    truth = coins_truth()
    there: dict[str, tuple[Tensor, Instances | None]]
    there = {COINS: (photo("coins"), truth), NOISY: (noisy_coins(), truth)}
    return there if own is None else {**there, OWN: (own, None)}


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
