"""Descent by which claims about losses are tried."""

import torch

from minseg.ledger.descent import descend, enlarge


def test_it_ends_where_the_loss_is_least_and_leaves_its_start():
    start = torch.tensor([0.0, 5.0])
    end = descend(start, lambda w: (w - torch.tensor([1.0, 2.0])).square(), steps=200, rate=0.1)
    assert torch.allclose(end, torch.tensor([1.0, 2.0]), atol=0.01)
    assert start.tolist() == [0.0, 5.0] and not end.requires_grad


def test_enlarging_reads_between_pixels():
    assert enlarge(torch.tensor([[[0.0, 1.0]]]), 1, 4).tolist() == [[[0.0, 0.25, 0.75, 1.0]]]
