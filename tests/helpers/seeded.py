"""Random numbers that are the same in every run."""

from __future__ import annotations

import torch


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of random numbers that starts at `seed`."""
    return torch.Generator().manual_seed(seed)
