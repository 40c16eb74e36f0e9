"""Exercise 33.colours: read the segment numbers out of COCO's panoptic pictures.

To write: f(colours), (H, W, 3) uint8, to (H, W) int64 ids, R + 256·G + 256²·B. The first of the
mistakes is a formula that stood in a comment of the reference tool, beside code that is right.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def ids_from_colours(colours: Tensor) -> Tensor:
    """(H, W) int64 segment ids from COCO's panoptic PNG, (H, W, 3) uint8: R + 256·G + 256²·B."""
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 256 * green + 256**2 * blue


def panoptic_pngs(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Ids below 256, just above, large ones, void, a transposed image, an empty one."""
    yield (torch.tensor([[[7, 0, 0], [255, 0, 0]]], dtype=torch.uint8),)
    yield (torch.tensor([[[0, 1, 0], [44, 1, 0], [0, 0, 1]]], dtype=torch.uint8),)
    yield (torch.tensor([[[0, 0, 0], [255, 255, 255]]], dtype=torch.uint8),)
    some = torch.randint(0, 256, (4, 5, 3), generator=generator, dtype=torch.uint8)
    yield (some,)
    yield (some.transpose(0, 1),)
    yield (torch.zeros(0, 3, 3, dtype=torch.uint8),)


def follows_the_comment(colours: Tensor) -> Tensor:
    """What the comment says."""
    red, green, blue = colours.long().unbind(dim=-1)
    return red * 256 * green + 256 * 256 + blue


def stays_in_bytes(colours: Tensor) -> Tensor:
    red = colours[..., 0]  # 256 · anything is 0 in eight bits
    return red.long()


def blue_first(colours: Tensor) -> Tensor:
    return ids_from_colours(colours.flip(-1))


def counts_by_255(colours: Tensor) -> Tensor:
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 255 * green + 255**2 * blue


def forgets_the_square(colours: Tensor) -> Tensor:
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 256 * (green + blue)


def adds_the_channels(colours: Tensor) -> Tensor:
    return colours.long().sum(dim=-1)


COLOURS = Exercise(
    "33.colours",
    reference=ids_from_colours,
    cases=panoptic_pngs,
    hints=(
        "Void is black, (0, 0, 0), and must come out as 0; (7, 0, 0) is 7 and (0, 1, 0) is 256.",
        "Three digits to the base 256, the red one counting ones: a sum of three products.",
        "red + 256 * green + 256**2 * blue, in int64: in uint8 the products do not fit.",
    ),
    mistakes={
        "follows_the_comment": (
            follows_the_comment,
            "Black, which is void, must come out as 0, and here it is 65536. Every operator is in "
            "your formula; two of them stand in the wrong place.",
        ),
        "stays_in_bytes": (
            stays_in_bytes,
            "Ids below 256 are right and all others are not: your products were computed in eight "
            "bits and wrapped. Turn the colours into int64 first.",
        ),
        "blue_first": (
            blue_first,
            "You read blue, green, red, as OpenCV orders them. Red is the first channel, and "
            "counts ones.",
        ),
        "counts_by_255": (
            counts_by_255,
            "A channel has 256 values, from 0 to 255: the base is 256.",
        ),
        "forgets_the_square": (
            forgets_the_square,
            "Blue counts 256² = 65536 each, not 256: different segments get one id.",
        ),
        "adds_the_channels": (
            adds_the_channels,
            "A sum of the channels gives many colours one id. Each channel is a digit, to the "
            "base 256.",
        ),
    },
)
