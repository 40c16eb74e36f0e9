"""Two tasks that share one number: the smallest problem in which losses must be weighed.

The network sees x1, x2, independent and of spread 1, and passes on h = x1 cos θ + x2 sin θ only.
The angle θ is the *dial*. Task i wants the direction θ_i and multiplies h by its own best factor,
cos(θ − θ_i). What is left of its mean squared error, with a noise that no prediction removes, is

    L_i(θ) = noise + sin²(θ − θ_i)

and L_a + λ L_b is smallest where tan 2θ = λ sin 2φ / (1 + λ cos 2φ), φ the angle between the two
wanted directions. `RULES` choose weights while the dial turns: those of `minseg.losses.balance`,
as they are at each step. Unit 43.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.losses import dynamic_weight_average

WANTED = torch.tensor([0.0, 60.0], dtype=torch.float64).deg2rad()  # by tasks a and b
NOISE = 0.1

RULES = ("all 1", "uncertainty", "equal pulls", "DWA")


def dial(angle: Tensor, *, noise: float = NOISE) -> Tensor:
    """Angles (…), in radians, to the losses of both tasks, (…, 2).

    >>> dial(WANTED)  # at the angle that a task wants it has only the noise left
    tensor([[0.1000, 0.8500],
            [0.8500, 0.1000]], dtype=torch.float64)
    """
    return noise + (angle[..., None] - WANTED).sin().square()


def resting_place(weight: Tensor) -> Tensor:
    """The angle, in radians, where L_a + weight · L_b is smallest: its derivative is 0 there.

    >>> resting_place(torch.tensor([0.0, 1.0, 1e9])).rad2deg().round().tolist()
    [0.0, 30.0, 60.0]
    """
    twice = 2 * WANTED[1]
    return torch.atan2(weight * twice.sin(), 1 + weight * twice.cos()) / 2


def weigh(rule: str, losses: Tensor, slopes: Tensor, before: Tensor | None) -> Tensor:
    """Both weights, (2,), by one of `RULES`.

    Args:
        rule: one of `RULES`.
        losses, slopes: (2,).
        before: (2,) the losses one step ago, None at the first.

    Raises:
        ValueError: if there is no such rule.

    >>> losses, slopes = torch.tensor([0.5, 2.0]), torch.tensor([-3.0, 1.0])
    >>> [weigh(rule, losses, slopes, None).tolist() for rule in RULES[:3]]
    [[1.0, 1.0], [1.0, 0.25], [1.0, 3.0]]
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if rule == "uncertainty":
        return 0.5 / losses  # where the learnt variances settle
    if rule == "equal pulls":
        return slopes[0].abs() / (slopes.abs() + 1e-12)  # task a is the primary one
    if rule == "DWA":
        return dynamic_weight_average(losses, before)  # a step stands for an epoch
    return torch.ones_like(losses)


def turn_dial(
    rule: str, start: float, unit: float = 1.0, *, noise: float = NOISE, steps: int = 500
) -> float:
    """Where the dial ends after small steps down the weighted slope.

    Args:
        rule: one of `RULES`.
        start: in degrees, as is what is returned.
        unit: what task b's loss is multiplied by, because it is measured in another unit.
        noise: what is left of both losses.
        steps: how many.

    >>> round(turn_dial("all 1", start=20.0), 1)
    30.0
    """
    angle = torch.tensor(start, dtype=torch.float64).deg2rad()
    units, before = torch.tensor([1.0, unit], dtype=torch.float64), None
    for _ in range(steps):
        losses = units * dial(angle, noise=noise)  # (2,)
        slopes = units * (2 * (angle - WANTED)).sin()  # the derivative of sin² is the sine of twice
        weights = weigh(rule, losses, slopes, before)
        # Divided by the weights, so that larger ones are no longer steps.
        angle = angle - 0.05 * (weights @ slopes) / (weights @ units)
        before = losses
    return float(angle.rad2deg())
