"""What autograd saves, in MiB that can be counted by hand."""

import pytest
import torch
from torch import nn

from minseg.experiments.activation_memory import in_segments, kept, peak


def test_kept_counts_each_storage_once_and_no_weights():
    layer = nn.Linear(256, 1024)
    x = torch.randn(1024, 256)  # 1 MiB, saved for the gradient of the weight

    def run():
        y = layer(x)  # (1024, 1024), 4 MiB
        return y.sigmoid() * y.sigmoid().detach()  # saves sigmoid's output, and the other factor

    size, y = kept(run, layer)
    assert y.shape == (1024, 1024)
    # x; the first sigmoid, for its own gradient; the other, for the product's
    assert size == 1 + 4 + 4


def test_checkpointing_keeps_inputs_and_changes_nothing():
    torch.manual_seed(0)
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(8)))
    x = torch.randn(4096, 64)  # 1 MiB
    plain, y = kept(lambda: blocks(x), blocks)
    few, z = kept(lambda: in_segments(blocks, x, 4), blocks)
    assert (plain, few) == (9.0, 4.0)  # each tanh's output and x; four inputs
    assert peak(blocks, x, 4) == 4 + 3 - 1  # the input of the segment at work is one of the four
    assert peak(blocks, x, 1) == plain
    gradients = [torch.autograd.grad(out.sum(), [*blocks.parameters()]) for out in (y, z)]
    for without, with_checkpoints in zip(*gradients, strict=True):
        assert torch.equal(without, with_checkpoints)
    with pytest.raises(ValueError, match="segments must divide 8 blocks, got 3"):
        in_segments(blocks, x, 3)
