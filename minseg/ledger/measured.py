"""What a claim's function returns, and how many numbers are told as one: mean ± SD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch


class Measured(NamedTuple):
    """One measurement of a claim.

    `supports` says whether the *verdict* is borne out, not the claim: for a claim that is called
    wrong it is true if the measurement shows it to be wrong.
    """

    text: str
    supports: bool
    quoted: bool = False  # the numbers stand in a paper, and nothing was computed anew


def mean_sd(values: Iterable[float], digits: int = 2) -> str:
    """Mean and standard deviation (over n - 1) of a few numbers, as text.

    >>> mean_sd([0.5, 0.6, 0.7])
    '0.60 ± 0.10'
    """
    numbers = np.fromiter(values, dtype=float)
    return f"{numbers.mean():.{digits}f} ± {numbers.std(ddof=1):.{digits}f}"


def seeded(seed: int) -> torch.Generator:
    """A generator of its own, so that no claim depends on what ran before it."""
    return torch.Generator().manual_seed(seed)
