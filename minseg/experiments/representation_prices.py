"""What each way of writing a mask down costs: the bytes for a given IoU.

`sweep` tries every budget; here the least one is read off that is good enough. Unit 13 prints it.
"""

from __future__ import annotations

from minseg.experiments.representations import KINDS, THINGS, sweep


def bytes_for(thing: str, kind: str, iou: float) -> int | None:
    """The fewest bytes with which a representation reaches an IoU; None if no budget does.

    Args:
        thing, kind: one of `THINGS`, one of `KINDS`.
        iou: what is to be reached, 0 to 1.

    >>> bytes_for("disc", "polygon", 0.95), bytes_for("ring", "Fourier", 0.95)
    (96, None)
    """
    enough = [one.size for one in sweep(thing, kind) if one.iou >= iou]
    return min(enough, default=None)


def price_list(iou: float) -> str:
    """A table as text: a line for each representation, a column for each thing."""
    lines = [f"{'':18}" + "".join(f"{thing:>11}" for thing in THINGS)]
    for kind in KINDS:
        prices = (bytes_for(thing, kind, iou) for thing in THINGS)
        lines.append(f"{kind:18}" + "".join(f"{price or 'never':>11}" for price in prices))
    return "\n".join(lines)
