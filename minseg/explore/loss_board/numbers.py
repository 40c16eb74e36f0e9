"""What the loss board shows of a prediction: all losses since a mark, and the push of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

import torch
from torch import Tensor

from minseg.draw.losses import block_marks
from minseg.experiments.loss_pair import (
    LOSSES,
    OF_LOGITS,
    WITH_A_PUSH,
    MaskTruth,
    Prediction,
    evaluate,
    push,
    share_near,
)

Disc = tuple[float, float, float]  # x, y, radius in pixels

TRUE_DISC: Disc = (28, 24, 12)
STEPS = 3.0  # a bar ends where a loss is 2³ times, or an eighth of, what it was


def numbers(
    moved: Disc,
    prediction: Prediction,
    truth: MaskTruth,
    mark: Mapping[str, float],
    loss: str,
    listed: Sequence[str] = LOSSES,
) -> dict[str, Any]:
    """What the browser draws.

    Args:
        moved: the predicted disc.
        prediction, truth: the pair that is judged.
        mark: the values of all losses to compare with.
        loss: whose push is drawn.
        listed: which losses have a row.

    Returns:
        `rows`, one for each listed loss; `probability` and `field`, one byte for each pixel;
        `marks`, where a + or a − stands; `most`, the largest push, and its `unit`; `facts`.
    """
    values, least = evaluate(prediction, truth), least_values(truth)
    field = push(loss, prediction, truth)
    most = float(field.abs().max())
    near = share_near(field, truth)
    wrong = int(((prediction.logits > 0) != truth.mask).sum())
    told = f"{near:.0%} of its push is within 2 px of the outline" if most else "no push at all"
    x, y, radius = moved
    return {
        "rows": [_row(name, values, mark, least) for name in listed],
        "probability": _bytes(255 * prediction.logits.sigmoid()),
        "field": _bytes(128 + 127 * field / (most or 1.0)),
        "marks": block_marks(field),
        "most": f"{most:.2g}",
        "unit": "logit" if loss in OF_LOGITS else "distance",
        "facts": f"Disc at ({x:.1f}, {y:.1f}), radius {radius:.1f}: {wrong} pixels wrong. "
        f"{loss} {values[loss]:.3f}: {told}.",
    }


def least_values(truth: MaskTruth) -> dict[str, float]:
    """The least value of every loss: 0, but for the boundary loss, whose gain is negative."""
    gain = float(truth.distances.clamp(min=0).mean())
    return {name: -gain if name == "boundary" else 0.0 for name in LOSSES}


def _row(
    name: str, values: Mapping[str, float], mark: Mapping[str, float], least: Mapping[str, float]
) -> dict[str, Any]:
    """A loss's value, its change since the mark, and the doublings between the two as a bar."""
    now, before = values[name] - least[name], mark[name] - least[name]
    doublings = 0.0 if now == before else log2(max(now, 1e-9) / max(before, 1e-9))
    pixels = name not in OF_LOGITS or name == "boundary"
    change = round(values[name] - mark[name], 3) + 0.0  # never −0
    return {
        "name": name,
        "value": f"{values[name]:.3f}{' px' if pixels else ''}".replace("-", "−"),
        "change": f"{change:+.3f}".replace("-", "−"),
        "bar": min(max(doublings / STEPS, -1.0), 1.0),
        "pushes": name in WITH_A_PUSH,
    }


def _bytes(values: Tensor) -> bytes:
    return values.round().clamp(0, 255).to(torch.uint8).numpy().tobytes()
