"""Exercise 43.uncertainty: losses weighted by a variance that is learnt.

To write: f(losses, s, regression), (K,) each, s = log σ², to (K,) weighted losses with the price
log σ. A test holds the answer, `uncertainty`, against `UncertaintyWeights`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def uncertainty(losses: Tensor, s: Tensor, regression: Tensor) -> Tensor:
    """(K,) weighted losses with their ½s, as `UncertaintyWeights` has them.

    Args:
        losses: (K,). s: (K,) log σ². regression: (K,) bool, false for classification.
    """
    scale = torch.where(regression, 0.5, 1.0) * (-s).exp()
    return scale * losses + s / 2


def losses_and_variances(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
    """Both kinds, alone and mixed; s of 0, negative and large; losses of 0, and in float64."""
    yield torch.tensor([4.0, 0.01]), torch.tensor([4.0, 0.01]).log(), torch.tensor([True, True])
    yield torch.tensor([2.0, 3.0]), torch.tensor([0.5, -0.7]), torch.tensor([False, False])
    yield torch.tensor([1.0, 1.0]), torch.zeros(2), torch.tensor([True, False])
    yield torch.tensor([0.0, 7.0, 1.0]), torch.tensor([1.0, 3.0, -3.0]), torch.tensor([1, 0, 1]) > 0
    many = torch.rand(2, 9, generator=generator, dtype=torch.float64)
    yield 5 * many[0], 4 * many[1] - 2, torch.arange(9) % 3 == 0


def _uncertainty(
    losses: Tensor,
    s: Tensor,
    regression: Tensor,
    scale: Callable[[Tensor], Tensor] = lambda s: (-s).exp(),
    halves: tuple[float, float] = (0.5, 1.0),
    penalty: Callable[[Tensor], Tensor] = lambda s: s / 2,
) -> Tensor:
    """The weighted losses with three places to go wrong: weight, its ½, and the price of s."""
    return torch.where(regression, *halves) * scale(s) * losses + penalty(s)


halves_everything = partial(_uncertainty, halves=(0.5, 0.5))
halves_nothing = partial(_uncertainty, halves=(1.0, 1.0))
swaps_the_kinds = partial(_uncertainty, halves=(1.0, 0.5))
divides_by_sigma = partial(_uncertainty, scale=lambda s: (-s / 2).exp())
squares_the_variance = partial(_uncertainty, scale=lambda s: (-2 * s).exp())
multiplies_by_variance = partial(_uncertainty, scale=lambda s: s.exp())
takes_s_for_the_variance = partial(
    _uncertainty, scale=lambda s: 1 / s, penalty=lambda s: s.log() / 2
)
forgets_the_price = partial(_uncertainty, penalty=torch.zeros_like)
pays_twice = partial(_uncertainty, penalty=lambda s: s)

UNCERTAINTY = Exercise(
    "43.uncertainty",
    reference=uncertainty,
    cases=losses_and_variances,
    hints=(
        "s is log σ², so 1/σ² is exp(-s), and log σ is s/2.",
        "Only the regression losses have the ½ in front: torch.where(regression, 0.5, 1.0).",
        "The weight times the loss, plus s/2, for each loss by itself. Nothing is added up.",
    ),
    mistakes={
        "halves_everything": (
            halves_everything,
            "You halve classification losses too. Only a Gaussian has the ½ in front of the "
            "squared error; cross-entropy is multiplied by 1/σ² alone.",
        ),
        "halves_nothing": (
            halves_nothing,
            "Regression losses have a ½ in front, from the exponent of the Gaussian.",
        ),
        "swaps_the_kinds": (
            swaps_the_kinds,
            "You give the ½ to classification. It belongs to regression.",
        ),
        "divides_by_sigma": (
            divides_by_sigma,
            "You divide the loss by σ. It is divided by σ², which is exp(s).",
        ),
        "squares_the_variance": (
            squares_the_variance,
            "You divide by σ⁴. s is log σ² already: exp(-s) is all.",
        ),
        "multiplies_by_variance": (
            multiplies_by_variance,
            "Your weight grows with σ. A task that is uncertain should count less: exp(-s).",
        ),
        "takes_s_for_the_variance": (
            takes_s_for_the_variance,
            "You use s as if it were σ². It is the logarithm of σ², and may be negative.",
        ),
        "forgets_the_price": (
            forgets_the_price,
            "You leave out log σ, which is s/2. Without it every weight goes to 0, and so does "
            "the sum, whatever the network does.",
        ),
        "pays_twice": (
            pays_twice,
            "You add log σ². The price is log σ, half of it.",
        ),
    },
)
