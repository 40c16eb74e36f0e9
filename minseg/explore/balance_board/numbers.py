"""Numbers of one loss as `BalanceBoard` writes them: short, with a sign where it matters."""

from __future__ import annotations

from math import floor, isclose, log10
from typing import Any


def short(value: float) -> str:
    """Two significant digits without a power of ten, with a real minus."""
    if abs(value) < 1e-6:
        return "0"
    if isclose(value, round(value), rel_tol=1e-6):
        return f"{value:.0f}".replace("-", "−")
    digits = max(0, 1 - floor(log10(abs(float(f"{value:.1e}")))))
    return f"{float(f'{value:.1e}'):.{digits}f}".replace("-", "−")


def _thousandths(value: float) -> str:
    return ("+" if value > 0 else "") + short(1000 * value)


def sign(cosine: float) -> int:
    """-1, 0 or 1: what would be shown as 0.00 is 0."""
    return 0 if abs(cosine) < 0.005 else 1 if cosine > 0 else -1


def row(numbers: dict[str, float]) -> dict[str, Any]:
    """A loss as the browser shows it."""
    way = sign(numbers["cosine"])
    return {
        "loss": f"{numbers['loss']:.3f}",
        "weight": "× " + short(numbers["weight"]),
        "pull": short(numbers["pull"]),
        "share": numbers["share"],
        "percent": f"{numbers['share']:.0%}",
        "cosine": numbers["cosine"] if way else 0.0,
        "angle": (f"{numbers['cosine']:+.2f}" if way else "0.00").replace("-", "−"),
        "sign": way,
        "change": f"{'▲·▼'[1 + way]} {_thousandths(numbers['change'])}",
        "measured": _thousandths(numbers["measured"]) if "measured" in numbers else "",
    }
