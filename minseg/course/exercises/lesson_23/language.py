"""Triton's names for the kernels of this lesson, or stand-ins where Triton does not exist.

Triton exists for Linux only. Elsewhere the exercises are listed all the same: their kernels are
plain functions then, and `launch` says what is missing as soon as one is to run.
"""

from __future__ import annotations

from types import SimpleNamespace

__all__ = ["axis_sample", "box_edges", "tl", "triton"]

try:
    import triton
    import triton.language as tl

    from minseg_kernels.geometry import axis_sample, box_edges
except ImportError:  # macOS, Windows
    triton = SimpleNamespace(jit=lambda kernel: kernel)
    tl = axis_sample = box_edges = None
