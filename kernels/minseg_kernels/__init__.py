"""RoIAlign on the GPU, in Triton: kernels to learn from, and to use.

A reading order, one idea in each file:

1. `geometry`         where a RoI reads: bins, samples, pixels, weights
2. `samples`          the walk over all samples of an output row, forward and backward alike
3. `forward`          read a pixel with its weight, for all levels of a pyramid in one launch
4. `backward_atomic`  add to a pixel with its weight: fast, and not repeatable to the bit
5. `tiles`            which RoIs touch which tile of the map, in a fixed order
6. `backward_tiles`   each tile gathers its gradient: repeatable to the bit, no atomics
7. `transpose`        from planes to pixels, for callers that keep (N, C, H, W)
8. `operators`        one PyTorch operator around it all: autograd, torch.compile, autocast

`minseg.roi.roi_align` comes here by itself with tensors on a GPU. Importing this package imports
Triton, which exists for Linux only. With TRITON_INTERPRET=1 in the environment *before* that
import, kernels run on CPU tensors, slowly, in Triton's interpreter: units 23 and 24 do.
"""

from minseg_kernels.operators import roi_align, roi_align_fpn
from minseg_kernels.support import INTERPRETED, obstacle

__all__ = ["INTERPRETED", "obstacle", "roi_align", "roi_align_fpn"]
