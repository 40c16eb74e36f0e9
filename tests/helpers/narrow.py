"""Does a widget fit a narrow window? JupyterLab leaves it less room than a phone has."""

from __future__ import annotations

from typing import Any

NARROW = 376  # CSS pixels: a window of 400, less a margin


def fits(root: Any) -> bool:
    """Whether nothing of a widget reaches beyond it where it is `NARROW` px wide."""
    root.evaluate(f"root => {{ root.style.width = '{NARROW}px'; }}")
    inside: bool = root.evaluate("root => root.scrollWidth <= root.clientWidth + 1")
    root.evaluate("root => { root.style.width = ''; }")
    return inside
