"""The learning rate at each step, and how many steps fit into a given time.

Up in a straight line over the first w steps, then down half a cosine to nothing at step N:

    rate(s) = (s + 1) / w                              s < w
    rate(s) = ½ (1 + cos(π (s − w) / (N − w)))         w ≤ s < N

The end is where most is won: a model in the middle of its schedule, its rate still high, is far
worse than one that is as old but at its end. So N must be known in good time. (Cosine: Loshchilov
and Hutter, SGDR, 2017, section 3; warm-up: Goyal et al., Accurate, Large Minibatch SGD, 2017,
section 2.2.) Unit 45.

Asked for seconds instead of steps, training guesses N from a few steps, and w from that. A young
network has few proposals to work on, so its steps are quick; the guess is too high. After w steps,
when the rate is about to fall, N is settled once and for all from the pace of the last of them.
The guess is in the checkpoint. A run that goes on from there keeps it, and settles it by the time
that all steps took, those before the interruption too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from time import perf_counter

from minseg.processes import from_first

TRIAL = 6  # steps that tell about how long a step takes; the first half only warms up


@dataclass(frozen=True)
class Schedule:
    """How long training takes and how fast it learns meanwhile.

    Args:
        steps: N, at least 1.
        warm_up: w, fewer than N.
        settled: false while N is a guess.

    Example:
        >>> [round(Schedule(8, 2).rate(step), 2) for step in range(8)]
        [0.5, 1.0, 1.0, 0.93, 0.75, 0.5, 0.25, 0.07]
    """

    steps: int
    warm_up: int
    settled: bool = True

    def rate(self, step: int) -> float:
        """The share of the learning rate at a step, 0 … N − 1: above 0, at most 1."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        done = (step - self.warm_up) / (self.steps - self.warm_up)
        return 0.5 * (1 + math.cos(math.pi * done))

    def settle(self, seconds: float, spent: Sequence[float]) -> Schedule:
        """The schedule that ends on time.

        Args:
            seconds: for all steps.
            spent: the seconds that each step so far took; the later half sets the pace.
        """
        pace = fmean(spent[len(spent) // 2 :])
        left = (seconds - sum(spent)) / pace
        return Schedule(max(len(spent) + round(left), len(spent) + 1, 1), self.warm_up)


def plan(steps: int, warm_up: float) -> Schedule:
    """The schedule of a known number of steps, a share `warm_up` of them to warm up.

    Raises:
        ValueError: if `steps` is below 1 or `warm_up` not in [0, 1).

    Example:
        >>> plan(200, 0.1)
        Schedule(steps=200, warm_up=20, settled=True)
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    if not 0 <= warm_up < 1:
        raise ValueError(f"warm_up must be a share of the steps, 0 to below 1, got {warm_up}")
    return Schedule(steps, min(round(warm_up * steps), steps - 1))


def first_guess(seconds: float, warm_up: float, pace: float) -> Schedule:
    """The schedule to begin with where time is given, and a step takes about `pace` seconds.

    Raises:
        ValueError: if `seconds` is not above 0, or `warm_up` not in [0, 1).
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0, got {seconds}")
    planned = plan(max(round(seconds / pace), 1), warm_up)
    return Schedule(planned.steps, max(planned.warm_up, 1), settled=False)


def pace_of(take_step: Callable[[int], object]) -> float:
    """About how many seconds a step takes, by the first process's clock; it takes a few."""
    spent = []
    for step in range(TRIAL):
        began = perf_counter()
        take_step(step)
        spent.append(perf_counter() - began)
    return from_first(fmean(spent[TRIAL // 2 :]))


@dataclass
class Progress:
    """Where a run stands: steps done, the seconds that they took, and the schedule."""

    step: int
    seconds: float
    schedule: Schedule

    def settle(self, seconds: float, at: Sequence[float]) -> None:
        """Settle the schedule, once warm-up is over.

        Args:
            seconds: for all steps.
            at: when each step so far ended, in seconds. Only the first of several processes has
                those of before an interruption, so it decides.
        """
        spent = [after - before for before, after in pairwise([0.0, *at])]
        self.schedule = from_first(self.schedule.settle(seconds, spent))

    def is_time(self, every: int) -> bool:
        """Whether something is due that is done every so many steps, and after the last."""
        return self.step % every == 0 or self.step == self.schedule.steps


@dataclass(frozen=True)
class Pace:
    """How often a run validates and saves."""

    validate_every: int | None  # steps; None: at the end
    save_every: int  # steps
    save_seconds: float  # by the clock

    def __post_init__(self) -> None:
        for name in ("save_every", "validate_every"):
            every = getattr(self, name)
            if every is not None and every < 1:
                raise ValueError(f"{name} must be 1 step or more, got {every}")
        if not self.save_seconds > 0:
            raise ValueError(f"save_seconds must be above 0, got {self.save_seconds}")


class Alarm:
    """Due when `seconds` have passed since it was set, or 20 times what the work took.

    Where writing a checkpoint takes long, the time between two of them grows with it.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.set(0.0)

    def set(self, spent: float) -> None:
        """Begin anew; `spent` is how long the work took."""
        self._at = perf_counter() + max(self.seconds, 20 * spent)

    def is_due(self) -> bool:
        """Whether the time is over."""
        return perf_counter() >= self._at
