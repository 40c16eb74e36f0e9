"""What the balance board shows of five weights: numbers of each loss, and the texts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isclose, log10
from typing import Any

from torch import Tensor

from minseg.experiments.shared_gradients import PRESETS, SharedGradients, balance

LEAST, MOST = 0.01, 100.0  # weights: four decades
BY_HAND = "by hand"


def numbers(
    found: SharedGradients, weights: Tensor, step: float, measured: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """By loss, all that is shown of it.

    Args:
        found: the losses of a batch and their gradients.
        weights: (K,) float64.
        step: its length.
        measured: how each loss truly changed; nothing, if no step was taken.

    Returns:
        For each loss its "loss", "norm" (of its gradient), "weight", "pull" (their product),
        "share" (of all pulls), "cosine" (with the weighted sum) and "change" (to first order,
        for the step); "measured" too, where it is given.
    """
    now, rows = balance(found, weights), {}
    for k, name in enumerate(found.names):
        rows[name] = {
            "loss": float(found.losses[k]),
            "norm": float(found.norms[k]),
            "weight": float(weights[k]),
            "pull": float(now.pulls[k]),
            "share": float(now.shares[k]),
            "cosine": float(now.cosines[k]),
            "change": step * float(now.slopes[k]),
        }
        if measured:
            rows[name]["measured"] = measured[name]
    return rows


def row(of: Mapping[str, float]) -> dict[str, Any]:
    """The numbers of one loss as the browser shows them."""
    way = sign(of["cosine"])
    return {
        "loss": f"{of['loss']:.3f}",
        "weight": "× " + short(of["weight"]),
        "pull": short(of["pull"]),
        "share": of["share"],
        "percent": f"{of['share']:.0%}",
        "cosine": of["cosine"] if way else 0.0,
        "angle": (f"{of['cosine']:+.2f}" if way else "0.00").replace("-", "−"),
        "sign": way,
        "change": f"{'▲·▼'[1 + way]} {_thousandths(of['change'])}",
        "measured": _thousandths(of["measured"]) if "measured" in of else "",
    }


def facts(rows: Mapping[str, Mapping[str, float]], preset: str, step: float) -> str:
    """Which loss pulls hardest, and which ones the step raises."""
    shares = {name: of["share"] for name, of in rows.items()}
    largest = max(shares.values())
    even = largest - min(shares.values()) < 1e-3
    most = "each" if even else max(shares, key=shares.__getitem__)
    raised = [name for name, of in rows.items() if sign(of["cosine"]) < 0]
    return (
        f"Weights {', '.join(short(of['weight']) for of in rows.values())} ({preset}): "
        f"{most} has {largest:.0%} of the pull; a step of {step:.2g} "
        f"raises {', '.join(raised) or 'no loss'}."
    )


def formula(preset: str, wanted: Mapping[str, float]) -> str:
    """How the weights were chosen, and those that are out of reach, by the weights as wanted."""
    cut = [
        f"{name} {short(w) if w < 1e6 else 'above a million'}"
        for name, w in wanted.items()
        if not LEAST <= w <= MOST
    ]
    said = PRESETS.get(preset, "w as you set them")
    return f"{said}. Out of reach, so cut: {', '.join(cut)}" if cut else said


def short(value: float) -> str:
    """Two significant digits without a power of ten, with a real minus.

    >>> short(-0.0995), short(1234), short(0.000012)
    ('−0.10', '1234', '0.000012')
    """
    if abs(value) < 1e-6:
        return "0"
    if isclose(value, round(value), rel_tol=1e-6):
        return f"{value:.0f}".replace("-", "−")
    digits = max(0, 1 - floor(log10(abs(float(f"{value:.1e}")))))
    return f"{float(f'{value:.1e}'):.{digits}f}".replace("-", "−")


def sign(cosine: float) -> int:
    """-1, 0 or 1: what would be shown as 0.00 is 0.

    >>> sign(-0.3), sign(0.004), sign(1.0)
    (-1, 0, 1)
    """
    return 0 if abs(cosine) < 0.005 else 1 if cosine > 0 else -1


def _thousandths(value: float) -> str:
    return ("+" if value > 0 else "") + short(1000 * value)
