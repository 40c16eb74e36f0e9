"""The small task of unit 45: shapes, seeds, which optimiser gets what."""

import pytest
import torch

from minseg.experiments import warming_up as task


def test_the_task_is_reproducible_and_unbalanced():
    images, covered = task.covered_pixels("train", 4)
    assert images.shape == (4, 3, 64, 64) and covered.shape == (4, 1, 64, 64)
    assert 0.02 < covered.mean() < 0.5
    one, two = task.plain_network(3), task.plain_network(3)
    assert torch.equal(one(images), two(images)) and one(images).shape == covered.shape
    assert task.loss_on(one, images, covered) == pytest.approx(0.69, abs=0.1)


def test_muon_takes_kernels_and_adam_the_rest():
    network = task.plain_network(0)
    kernels, biases = task.optimisers_of(network, "Muon")
    assert {p.ndim for p in kernels.param_groups[0]["params"]} == {4}
    assert {p.ndim for p in biases.param_groups[0]["params"]} == {1}
    (all_of_them,) = task.optimisers_of(network, "Adam")
    assert len(all_of_them.param_groups[0]["params"]) == len(list(network.parameters()))
    with pytest.raises(ValueError, match="name must be"):
        task.optimisers_of(network, "Sophia")


def test_singular_values_are_shares_of_the_largest():
    gradient = torch.diag(torch.tensor([4.0, 1.0]))[:, :, None, None]
    first, second = task.spread_of_step(gradient, gradient.sign())
    torch.testing.assert_close(first, torch.tensor([1.0, 0.25]))
    torch.testing.assert_close(second, torch.ones(2))
