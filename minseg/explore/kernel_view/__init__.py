"""One program of the RoIAlign kernel at a time: what it reads, what it writes, how many bytes."""

from minseg.explore.kernel_view.widget import KernelView

__all__ = ["KernelView"]
