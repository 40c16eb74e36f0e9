"""How losses are weighed against each other: C53 to C56, C136.

Most of it on the dial of `minseg.experiments.two_tasks`: one number that two tasks share.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from minseg import losses
from minseg.experiments.shared_gradients import shared_gradients
from minseg.experiments.two_tasks import dial, resting_place, turn_dial
from minseg.ledger.measured import Measured, mean_sd
from minseg.ledger.results import result
from minseg.ledger.scenes import coin_scenes
from minseg.models import MaskRCNN, load_coins

RUNS = ((20.0, 1.0), (20.0, 100.0), (45.0, 1.0), (45.0, 100.0))  # start, in degrees, and unit


def _settled(kind: str) -> list[float]:
    """The weights at which uncertainty weighting settles for two fixed losses, 4 and 0.01."""
    fixed = {"a": torch.tensor(4.0), "b": torch.tensor(0.01)}
    learnt = losses.UncertaintyWeights(dict.fromkeys(fixed, kind))
    optimiser = torch.optim.Adam(learnt.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        torch.stack(list(learnt(fixed).values())).sum().backward()
        optimiser.step()
    return [weight.item() for weight in learnt.weights().values()]


def c53() -> Measured:
    """Uncertainty weighting: Σ L/(2σ²) + log σ, with a learnt σ for each task."""
    regression, classification = _settled("regression"), _settled("classification")
    halves = np.array([regression, classification]) * [4, 0.01]
    return Measured(
        f"losses 4 and 0.01 settle at weights {regression[0]:.3f} and {regression[1]:.1f} as "
        f"regression, {classification[0]:.3f} and {classification[1]:.1f} as classification: w · L "
        "is always ½.",
        bool(np.allclose(halves, 0.5, rtol=1e-3)),
    )


@cache
def _ends(rule: str) -> list[float]:
    """Where the dial ends by a rule, in degrees, for each of RUNS."""
    return [turn_dial(rule, start, unit) for start, unit in RUNS]


def c54() -> Measured:
    """Gradient balancing: λ is the norm of the primary loss's gradient over that of loss i."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MaskRCNN(**load_coins().options)
    scenes = coin_scenes(4)
    found = shared_gradients(model, scenes)
    length = dict(zip(found.names, found.norms.tolist(), strict=True))
    images, truths = [s.image for s in scenes], [s.instances for s in scenes]
    five = model.losses(images, truths, seeds=range(4))
    weights = losses.gradient_balance(five, list(model.backbone.parameters()), "class")
    weighed = [weight * length[name] for name, weight in weights.items()]
    return Measured(
        "random weights: weighed, five gradients of very different length are all as long as that "
        "of class. On the dial equal pulls move nothing, from whichever angle they start: "
        f"{', '.join(f'{end:.0f}°' for end in _ends('equal pulls'))}.",
        max(length.values()) > 10 * min(length.values())
        and np.allclose(weighed, length["class"], rtol=1e-3)
        and np.allclose(_ends("equal pulls"), [start for start, _ in RUNS], atol=0.1),
    )


def c55() -> Measured:
    """λ(t) = λ(0) exp(−difficulty ratio) reduces the weight of easier tasks."""
    rate = torch.tensor([0.5, 0.99], dtype=torch.float64)  # L(t-1) / L(t-2): easy task, hard task
    notes = losses.difficulty_weights(rate)
    dwa = losses.dynamic_weight_average(rate, torch.ones_like(rate))
    return Measured(
        f"the ratio read as a rate, weights of the easy and the hard task: {notes[0]:.2f} and "
        f"{notes[1]:.2f} by the formula, {dwa[0]:.2f} and {dwa[1]:.2f} by DWA.",
        bool(notes[0] > notes[1] and dwa[0] < dwa[1]),
    )


def c56() -> Measured:
    """Dynamic weights balance automatically, keep any task from dominating, converge better."""
    neglected = dial(torch.tensor(_ends("uncertainty")[0]).double().deg2rad())
    return Measured(
        f"on the dial, uncertainty from 20°: losses {neglected[0]:.2f} and {neglected[1]:.2f}, "
        "whatever the unit, and the other way round from 45°. DWA follows the unit, as fixed "
        "weights of 1 do.",
        bool(neglected[1] > 5 * neglected[0])
        and np.allclose(_ends("DWA"), _ends("all 1"), atol=0.1),
    )


def c136() -> Measured:
    """Instance segmentation requires careful balancing of its losses."""
    left = result("weights")
    places = resting_place(torch.tensor([0.1, 10.0]).double()).rad2deg().tolist()
    return Measured(
        "a mask loss that weighs 0.01 keeps, of the fall in 60 steps that weight 1 brings, "
        f"{mean_sd(left['Adam'], 0)} % with Adam and {mean_sd(left['SGD'], 0)} % with SGD, three "
        f"seeds. On the dial, where all is shared, λ = 0.1 and 10 rest at {places[0]:.0f}° and "
        f"{places[1]:.0f}° of 60°.",
        min(left["Adam"]) > 50 > 30 > max(left["SGD"]) and places[0] < 3 and places[1] > 57,
    )
