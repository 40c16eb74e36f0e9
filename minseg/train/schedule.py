"""The learning rate at each step, and how many steps fit into a given time.

Up in a straight line over the first w steps, then down half a cosine to nothing at step N:

    rate(s) = (s + 1) / w                              s < w
    rate(s) = ½ (1 + cos(π (s − w) / (N − w)))         w ≤ s < N

The end is where most is won: a model in the middle of its schedule, its rate still high, is far
worse than one that is as old but at its end. So N must be known in good time. (Cosine: Loshchilov
and Hutter, SGDR, 2017, section 3; warm-up: Goyal et al., Accurate, Large Minibatch SGD, 2017,
section 2.2.) Lesson 09.

Asked for seconds instead of steps, training guesses N from a few steps, and w from that. A young
network has few proposals to work on, so its steps are quick; the guess is too high. After w steps,
when the rate is about to fall, N is settled once and for all from the pace of the last of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Schedule:
    """How long training takes and how fast it learns meanwhile.

    Args:
        steps: N, at least 1.
        warm_up: w, fewer than N.
        settled: false while N is a guess.
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
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    if not 0 <= warm_up < 1:
        raise ValueError(f"warm_up must be a share of the steps, 0 to below 1, got {warm_up}")
    return Schedule(steps, min(round(warm_up * steps), steps - 1))


def guess(seconds: float, warm_up: float, pace: float) -> Schedule:
    """The schedule to begin with where time is given, and a step takes about `pace` seconds.

    Raises:
        ValueError: if `seconds` is not above 0, or `warm_up` not in [0, 1).
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0, got {seconds}")
    planned = plan(max(round(seconds / pace), 1), warm_up)
    return Schedule(planned.steps, max(planned.warm_up, 1), settled=False)
