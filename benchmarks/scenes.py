"""How long scenes take to make, on one core. The target: 1000 of 128×128 in at most 6 seconds.

    python benchmarks/scenes.py

A data set of scenes is made while a model trains on it, so a scene must cost less than a step.
"""

from __future__ import annotations

import platform
import time

import numpy as np
import torch

from minseg.data import make_scene

CASES = [
    ("shapes", (128, 128), 1000),
    ("shapes", (64, 64), 300),
    ("shapes", (256, 256), 100),
    ("shapes", (512, 512), 30),
    ("coins", (303, 384), 30),
]


def seconds(style: str, size: tuple[int, int], number: int) -> tuple[float, float]:
    """(elapsed, of one core) for scenes with seeds 0 … number - 1."""
    make_scene(0, size, style=style)
    clock, core = time.perf_counter(), time.process_time()
    for seed in range(number):
        make_scene(seed, size, style=style)
    return time.perf_counter() - clock, time.process_time() - core


def main() -> None:
    torch.set_num_threads(1)
    machine = platform.processor() or platform.machine()
    print(f"{machine}, numpy {np.__version__}, torch {torch.__version__}, one thread")
    print(f"{'style':8}{'size':>10}{'scenes':>8}{'elapsed s':>11}{'core s':>8}{'ms each':>9}")
    for style, size, number in CASES:
        elapsed, core = seconds(style, size, number)
        shape = f"{size[0]}×{size[1]}"
        each = 1000 * core / number
        print(f"{style:8}{shape:>10}{number:8}{elapsed:11.2f}{core:8.2f}{each:9.2f}")


if __name__ == "__main__":
    main()
