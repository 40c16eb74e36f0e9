"""Exercise 41.anchor_targets: which anchors learn to say yes, and which no.

To write: f(overlaps, positive, negative), (B, A, G) IoUs, to yes (B, A) bool, no (B, A) bool and
thing (B, A) int64. The answer is `anchor_targets`. Padding has overlap 0 with every anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.models.mask_rcnn.rpn import anchor_targets


def overlaps_to_judge(generator: torch.Generator) -> Iterable[tuple[Tensor, float, float]]:
    """Values on the thresholds, ties, padding, a thing that no anchor or hardly any touches."""
    on_the_border = torch.tensor([[0.7], [0.6], [0.599], [0.3], [0.299], [0.0]])
    yield on_the_border[None], 0.6, 0.3
    tied = torch.tensor([[0.45, 0.1], [0.45, 0.0], [0.2, 0.8], [0.0, 0.65], [0.0, 0.0]])
    yield tied[None], 0.6, 0.3
    padded = torch.cat([tied, torch.zeros(5, 1)], dim=1)  # no thing; or one that no anchor touches
    yield torch.stack([padded, padded.flip(0)]), 0.6, 0.3
    poorly = torch.tensor([[0.28, 0.25], [0.7, 0.1], [0.05, 0.2]])  # anchor 0 is thing 1's best
    yield poorly[None], 0.6, 0.3
    yield torch.rand(2, 30, 4, generator=generator), 0.7, 0.3
    yield torch.rand(1, 4, 12, generator=generator).transpose(1, 2).double(), 0.9, 0.5
    yield torch.zeros(2, 3, 1), 0.6, 0.3


def label(fn: Callable[..., tuple], overlaps: Tensor, positive: float, negative: float) -> tuple:
    """Call it as the package does, with the thresholds by name."""
    return fn(overlaps, positive=positive, negative=negative)


def _targets(
    overlaps: Tensor,
    positive: float,
    negative: float,
    forced: Callable[[Tensor, Tensor], Tensor] = lambda o, most: (o == most) & (most > 0),
    reaches: Callable[[Tensor, float], Tensor] = torch.ge,
    below: Callable[[Tensor, float], Tensor] = torch.lt,
    rest: bool = False,
    exclusive: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """The anchors' labels with a switch for each of the rules."""
    best, thing = overlaps.max(dim=2)
    yes = reaches(best, positive) | forced(overlaps, overlaps.amax(dim=1, keepdim=True)).any(dim=2)
    no = ~yes if rest else below(best, negative)
    return yes, no & ~yes if exclusive else no, thing


def one_of_the_best(overlaps: Tensor, most: Tensor) -> Tensor:
    first = torch.zeros_like(overlaps).scatter(1, overlaps.argmax(dim=1, keepdim=True), 1)
    return (first > 0) & (most > 0)


forgets_the_best_anchor = partial(
    _targets, forced=lambda o, most: torch.zeros_like(o, dtype=torch.bool)
)
forces_on_padding = partial(_targets, forced=lambda o, most: o == most)
forces_one_of_the_best = partial(_targets, forced=one_of_the_best)
forces_and_forbids = partial(_targets, exclusive=False)
teaches_all_the_rest = partial(_targets, rest=True)
above_positive = partial(_targets, reaches=torch.gt)
up_to_negative = partial(_targets, below=torch.le)


def belongs_to_what_forced_it(
    overlaps: Tensor, *, positive: float, negative: float
) -> tuple[Tensor, Tensor, Tensor]:
    yes, no, thing = anchor_targets(overlaps, positive=positive, negative=negative)
    most = overlaps.amax(dim=1, keepdim=True)
    forced = (overlaps == most) & (most > 0)
    return yes, no, torch.where(forced.any(dim=2), forced.long().argmax(dim=2), thing)


ANCHOR_TARGETS = Exercise(
    "41.anchor_targets",
    reference=anchor_targets,
    cases=overlaps_to_judge,
    probe=label,
    hints=(
        "`overlaps.max(dim=2)` gives each anchor's best overlap and the thing it is with.",
        "`overlaps.amax(dim=1, keepdim=True)` is how well any anchor fits each thing. An anchor "
        "that equals it is forced to say yes.",
        "A thing that is padding has overlap 0 with all anchors, and so all of them equal the "
        "largest. Ask for `most > 0`. And no anchor says yes and no.",
    ),
    mistakes={
        "forgets_the_best_anchor": (
            forgets_the_best_anchor,
            "A thing that no anchor reaches `positive` with would never be learnt. The anchors "
            "that overlap it most say yes, however little that is.",
        ),
        "forces_on_padding": (
            forces_on_padding,
            "With a thing that no anchor overlaps, padding for one, every anchor has the largest "
            "overlap: 0. You make all of them say yes. Require an overlap above 0.",
        ),
        "forces_one_of_the_best": (
            forces_one_of_the_best,
            "Several anchors may overlap a thing equally and most. All of them say yes, and "
            "argmax names only the first: compare with the maximum.",
        ),
        "forces_and_forbids": (
            forces_and_forbids,
            "An anchor that is forced to say yes may lie below `negative`. Yours then says both: "
            "take `& ~yes`.",
        ),
        "teaches_all_the_rest": (
            teaches_all_the_rest,
            "You make every other anchor say no. Those between the thresholds are neither: only "
            "below `negative` it is no.",
        ),
        "above_positive": (
            above_positive,
            "At exactly `positive` an anchor says yes: ≥, not >.",
        ),
        "up_to_negative": (
            up_to_negative,
            "At exactly `negative` an anchor says nothing: <, not ≤.",
        ),
        "belongs_to_what_forced_it": (
            belongs_to_what_forced_it,
            "A forced anchor belongs to the thing that it overlaps most, like any other, even if "
            "another thing forced it.",
        ),
    },
)
