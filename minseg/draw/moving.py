"""A picture that moves: some figures, one after the other, in one file that every page plays.

The file is an animated PNG: browsers play it wherever they show a PNG, without a kernel or a
script, and what cannot play it shows its first frame. So the first frame is drawn to be worth
looking at alone. A picture that moves for ever disturbs whoever reads beside it: it plays a few
times and then rests at its last frame.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from matplotlib.figure import Figure
from PIL import Image

from minseg.draw.figure import MAX_WIDTH, display_png, png


def animated_png(frames: Iterable[Figure], *, seconds: float, plays: int = 3) -> bytes:
    """An animated PNG of figures of one size.

    Args:
        frames: at least two figures.
        seconds: how long one play takes; the last frame stays on for a second more.
        plays: how often it is played before it rests.

    Raises:
        ValueError: if there are fewer than two frames, or it would take no time.
    """
    images = [Image.open(io.BytesIO(png(fig))).convert("RGB") for fig in frames]
    if len(images) < 2 or not seconds > 0:
        raise ValueError(
            f"frames must be two or more and seconds positive, got {len(images)} and {seconds}"
        )
    first, *others = images
    step = round(1000 * seconds / len(images))
    buffer = io.BytesIO()
    first.save(
        buffer,
        format="PNG",
        save_all=True,
        append_images=others,
        duration=[step] * len(others) + [1000],
        loop=plays,
    )
    return buffer.getvalue()


def show_moving(
    frames: Iterable[Figure], *, alt: str, facts: str, seconds: float, plays: int = 3
) -> None:
    """Display figures as one moving picture with alt text, and print its line of facts.

    Args:
        frames: figures of one size, at most 900 px wide.
        alt, facts: as in `minseg.draw.show`.
        seconds, plays: as in `animated_png`.

    Raises:
        ValueError: if the figures are too wide, or as `animated_png`.
    """
    figures = list(frames)
    width, height = (round(side * figures[0].dpi) for side in figures[0].get_size_inches())
    if width > MAX_WIDTH:
        raise ValueError(f"frames must be at most {MAX_WIDTH} px wide, got {width} px")
    display_png(animated_png(figures, seconds=seconds, plays=plays), alt, width, height)
    print(facts)
