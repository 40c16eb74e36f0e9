"""Whether bfloat16 is worth it on this machine.

Half as many bits are half as many bytes to move, and a processor with instructions for bfloat16
multiplies two to sixteen times as many of them at a time. One without must widen every number,
compute in float32 and round again:

    gain = seconds of a convolution in float32 / its seconds in bfloat16

is above 1 on the one and far below on the other. So "auto" computes in bfloat16 where the processor
says that it has such instructions *and* the gain, measured, is at least `WORTH`: a library may have
no code for them, or the system may forbid them. What is safe in so few bits is
another question, autocast's; unit 45 asks it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import torch
import torch.nn.functional as F

WORTH = 1.1  # the least gain for which "auto" gives up precision
FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # how Linux names the instructions: x86, x86, ARM


class Choice(NamedTuple):
    """Whether to compute in bfloat16, and why, in one line."""

    on: bool
    why: str


def choose(wanted: bool | str, device: torch.device) -> Choice:
    """Whether to compute in bfloat16.

    Args:
        wanted: True, False, or "auto", which asks the processor and measures.
        device: where the model is.

    Returns:
        Its `why` is empty where there is nothing to say: what was wanted is done and costs nothing.

    Raises:
        ValueError: if `wanted` is none of the three.

    >>> choose(False, torch.device("cpu"))
    Choice(on=False, why='')
    """
    check_wanted(wanted)
    if wanted is False:
        return Choice(False, "")
    name, has = name_of(device), has_instructions(device)
    if wanted == "auto" and not has:
        return Choice(False, f"bf16 off: {name} has no instructions for it")
    gain = measured_gain(device)
    if wanted is True:
        slower = f"bf16 is slower here: {name} takes {compared(gain)} for a convolution"
        return Choice(True, slower if gain < 1 / WORTH else "")
    on = gain >= WORTH
    switched = "on" if on else "off"
    return Choice(on, f"bf16 {switched}: {name} takes {compared(gain)} for a convolution")


def check_wanted(wanted: object) -> None:
    """ValueError unless it is True, False or "auto"."""
    if not isinstance(wanted, bool) and wanted != "auto":
        raise ValueError(f'bf16 must be True, False or "auto", got {wanted!r}')


def compared(gain: float) -> str:
    """A gain in words.

    >>> compared(0.125), compared(2.0)
    ('8 times as long', '0.5 times as long')
    """
    return f"{1 / gain:.2g} times as long"


def has_instructions(device: torch.device) -> bool:
    """Whether the processor says that it multiplies bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool(FLAGS & _flags()) or any(
        getattr(torch.cpu, name, lambda: False)()  # not in every release of PyTorch
        for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )


def name_of(device: torch.device) -> str:
    """The processor in a word or two: what its vectors are called, or the GPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"this processor ({torch.backends.cpu.get_cpu_capability()})"


@cache
def measured_gain(device: torch.device, rounds: int = 3) -> float:
    """How many times as fast a convolution is in bfloat16, forward and backward; 30 to 100 ms.

    The two take turns, and the best of each counts: others may be at work on this machine.
    """
    best = dict.fromkeys((torch.float32, torch.bfloat16), float("inf"))
    for _ in range(1 + rounds):  # the first time includes preparations
        for kind in best:
            best[kind] = min(best[kind], _seconds(kind, device))
    return best[torch.float32] / best[torch.bfloat16]


def _seconds(kind: torch.dtype, device: torch.device) -> float:
    """What a convolution of 32 channels takes, with its two gradients."""
    random = torch.Generator().manual_seed(0)
    images, weight = (
        torch.randn(shape, generator=random).to(device, kind).requires_grad_()
        for shape in ((2, 32, 32, 32), (32, 32, 3, 3))
    )
    _wait(device)
    start = perf_counter()
    out = F.conv2d(images.contiguous(memory_format=torch.channels_last), weight, padding=1)
    out.sum().backward()
    _wait(device)
    return perf_counter() - start


def _wait(device: torch.device) -> None:
    """A GPU is asked, and answers later."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@cache
def _flags() -> frozenset[str]:
    """What Linux says that the processor can do; nothing on other systems."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return frozenset(line.split(":", 1)[1].split())
    return frozenset()
