"""Numbers that fit their type: half types are computed in float32, thresholds mean what they say.

A float16 ends at 65504, so a box of 300 × 300 px has no area in it. A bfloat16 has 8 bits, so near
1000 px it knows every fourth pixel. What comes in either is computed in float32, as autocast does
with everything that adds up (`at_least_float32`); the numbers themselves lose nothing by that.

A threshold is written as a double, and a double tells 0.6 from the float32 nearest to it. But
some devices have no double (`exact_device`), and it need not be compared as one. For x of float32

    x > t   ⇔   x > t₃₂,      t₃₂ = the largest float32 ≤ t                     (`threshold_in`)

since no float32 lies between t₃₂ and t.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def at_least_float32(values: Tensor) -> Tensor:
    """The same numbers, in float32 if they come in a half type; all other tensors as they are.

    >>> at_least_float32(torch.tensor([300.0]).half()).square()
    tensor([90000.])
    """
    return values.float() if values.dtype in HALF else values


def threshold_in(dtype: torch.dtype, threshold: float) -> float:
    """The number to compare with in float32, so that x > threshold is decided as in double.

    Args:
        dtype: of x. Only float32 asks for another number; others get the threshold as it is.

    >>> torch.tensor([0.6]) > 0.6, torch.tensor([0.6]) > threshold_in(torch.float32, 0.6)
    (tensor([False]), tensor([True]))
    """
    if dtype != torch.float32:
        return threshold
    with np.errstate(over="ignore"):
        nearest = np.float32(threshold)
    if float(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)


def exact_device(device: torch.device) -> torch.device:
    """Where to count in double what lies on `device`: there, or on the CPU if it has no double.

    >>> exact_device(torch.device("mps"))  # Apple's GPUs
    device(type='cpu')
    """
    return torch.device("cpu") if device.type == "mps" else device
