"""Exercise 45.cosine: the learning rate at a step, up in a line and down half a cosine.

To write: f(step, steps, warm_up, highest), three whole numbers and the highest rate, to a float. A
test holds the answer, `cosine`, against `minseg.train.schedule.Schedule`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

import torch

from minseg.course.exercise import Exercise


def cosine(step: int, steps: int, warm_up: int, highest: float) -> float:
    """The learning rate at a step, as `Schedule(steps, warm_up).rate(step)` has it.

    Args:
        step: 0 … steps − 1.
        steps: of the whole run.
        warm_up: how many of them climb, 0 … steps − 1.
        highest: the learning rate at the top.
    """
    if step < warm_up:
        return highest * (step + 1) / warm_up
    done = (step - warm_up) / (steps - warm_up)
    return highest * 0.5 * (1 + math.cos(math.pi * done))


def steps_of_runs(generator: torch.Generator) -> Iterable[tuple[int, int, int, float]]:
    """Both sides of each border, no warm-up, a run of one step, all but one step of warm-up."""
    for step in (0, 1, 2, 3, 5, 9):
        yield step, 10, 2, 0.5
    for step in (0, 1, 4, 7):
        yield step, 8, 0, 1.0
    yield 0, 1, 0, 3e-3
    for step in (0, 3, 4):
        yield step, 5, 4, 0.1
    for step in torch.randint(0, 200, (5,), generator=generator).tolist():
        yield step, 200, 20, 0.02


def _rate(
    step: int,
    steps: int,
    warm_up: int,
    highest: float,
    *,
    first: int = 1,
    from_start: bool = False,
    to_last: bool = False,
    turns: float = 1.0,
    straight: bool = False,
) -> float:
    """The rate with a switch for each place to go wrong."""
    if step < warm_up:
        return highest * (step + first) / warm_up
    began = 0 if from_start else warm_up
    length = max(steps - began - to_last, 1)
    done = (step - began) / length
    if straight:
        return highest * (1 - done)
    return highest * 0.5 * (1 + math.cos(math.pi * turns * done))


def forgets_to_scale(step: int, steps: int, warm_up: int, highest: float) -> float:
    return cosine(step, steps, warm_up, 1.0)


def never_warms_up(step: int, steps: int, warm_up: int, highest: float) -> float:
    return cosine(step, steps, 0, highest)


def multiplies_both(step: int, steps: int, warm_up: int, highest: float) -> float:
    climbed = min((step + 1) / warm_up, 1.0) if warm_up else 1.0
    return climbed * cosine(step, steps, 0, highest)


def divides_by_zero(step: int, steps: int, warm_up: int, highest: float) -> float:
    return cosine(step, steps, warm_up, highest) if warm_up else math.nan


begins_at_zero = partial(_rate, first=0)
counts_from_the_start = partial(_rate, from_start=True)
ends_at_zero = partial(_rate, to_last=True)
goes_round = partial(_rate, turns=2.0)
stops_halfway = partial(_rate, turns=0.5)
falls_straight = partial(_rate, straight=True)

COSINE = Exercise(
    "45.cosine",
    reference=cosine,
    cases=steps_of_runs,
    hints=(
        "Two cases: step < warm_up climbs, all others fall. With warm_up = 0 none climbs.",
        "The first step has 1 / warm_up of the highest rate, so step + 1 counts, not step.",
        "done = (step - warm_up) / (steps - warm_up) runs from 0 towards 1; the share of the "
        "highest rate is ½ (1 + cos(π · done)).",
    ),
    mistakes={
        "begins_at_zero": (
            begins_at_zero,
            "Your first step has a rate of 0 and so does nothing. Let step 0 have 1 / warm_up.",
        ),
        "counts_from_the_start": (
            counts_from_the_start,
            "Your cosine begins at step 0, so the rate jumps where warm-up ends. Count from "
            "warm_up, over the steps that are left.",
        ),
        "ends_at_zero": (
            ends_at_zero,
            "Your last step has a rate of 0 and so does nothing. Zero is reached at step `steps`, "
            "which is no longer taken.",
        ),
        "goes_round": (
            goes_round,
            "Your rate comes back up: a whole turn is 2π. Half a turn, π, ends at the bottom.",
        ),
        "stops_halfway": (
            stops_halfway,
            "Your rate ends at half of its height: a quarter of a turn is too little. Take π.",
        ),
        "falls_straight": (
            falls_straight,
            "Your rate falls in a straight line. Half a cosine is wanted: ½ (1 + cos(π · done)).",
        ),
        "forgets_to_scale": (
            forgets_to_scale,
            "You return a share between 0 and 1. Multiply it with the highest rate.",
        ),
        "never_warms_up": (
            never_warms_up,
            "Your rate is highest at the first step. The first warm_up steps should climb.",
        ),
        "multiplies_both": (
            multiplies_both,
            "You multiply the climb with a cosine that falls already, so the highest rate is never "
            "reached. One after the other.",
        ),
        "divides_by_zero": (
            divides_by_zero,
            "With warm_up = 0 your rate is not a number. Divide by warm_up only in the steps that "
            "climb.",
        ),
    },
)
