"""Exercise 20.bias_and_spread: the error of a chain of rounding steps, before anything is run.

To write: f(steps, stride), a tuple of "floor" and "round" and a number, to (mean, SD) of the error
in image pixels. Biases add, variances add, and the stride scales both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import torch

from minseg.course.exercise import Exercise


def bias_and_spread(steps: Sequence[str], stride: float) -> tuple[float, float]:
    """Mean and SD of the error, in image pixels, after these rounding steps."""
    mean = sum(0.5 if step == "floor" else 0.0 for step in steps)  # biases add
    variance = len(steps) / 12  # independent variances add, whichever way a step rounds
    return stride * mean, stride * sqrt(variance)


def chains_of_steps(generator: torch.Generator) -> Iterable[tuple[tuple[str, ...], float]]:
    """One step, two alike, two unlike in either order, three; strides that are not 1."""
    yield ("floor",), 1
    yield ("floor",), 16
    yield ("round",), 8
    yield ("floor", "floor"), 4
    yield ("round", "round"), 32
    yield ("round", "floor"), 16
    yield ("floor", "round", "floor"), 0.5


def forgets_stride(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, 1)


def spreads_add(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, stride)[0], stride * len(steps) / sqrt(12)


def gives_variance(steps: Sequence[str], stride: float) -> tuple[float, float]:
    mean, sd = bias_and_spread(steps, stride)
    return mean, sd**2


def every_step_costs_half(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return stride * len(steps) / 2, bias_and_spread(steps, stride)[1]


def gives_rms(steps: Sequence[str], stride: float) -> tuple[float, float]:
    mean, sd = bias_and_spread(steps, stride)
    return mean, sqrt(mean**2 + sd**2)


def stride_under_the_root(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, stride)[0], sqrt(stride * len(steps) / 12)


BIAS_AND_SPREAD = Exercise(
    "20.bias_and_spread",
    reference=bias_and_spread,
    cases=chains_of_steps,
    hints=(
        "Do one step in feature pixels first, with the mean and the variance of a uniform error.",
        "A floor's error is uniform on [0, 1), a rounding's on [-½, ½): both have variance 1/12.",
        "Means add and variances add. Take the root at the end, then multiply both by the stride.",
    ),
    mistakes={
        "forgets_stride": (
            forgets_stride,
            "That is in feature pixels. One feature pixel is `stride` image pixels wide.",
        ),
        "spreads_add": (
            spreads_add,
            "Standard deviations of independent errors do not add, their squares do: two steps "
            "spread √2 times as much as one, not twice.",
        ),
        "gives_variance": (
            gives_variance,
            "The second number is a variance, in squared pixels. The SD is its root.",
        ),
        "every_step_costs_half": (
            every_step_costs_half,
            "Only a floor has a bias. Rounding to the nearest goes up as often as down, so its "
            "mean error is 0.",
        ),
        "gives_rms": (
            gives_rms,
            "That is the RMS, which has the bias in it: RMS² = mean² + SD². Leave the mean out.",
        ),
        "stride_under_the_root": (
            stride_under_the_root,
            "A length that is `stride` times longer has a variance `stride`² times larger. Scale "
            "the SD by the stride itself, outside of the root.",
        ),
    },
)
