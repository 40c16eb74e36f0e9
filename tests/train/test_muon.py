"""Muon: all directions alike, whatever the shape, and nothing but the steps that its text says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from minseg.train.muon import QUINTIC, Muon, orthogonalise
from minseg.train.step import make_optimisers


def matrix(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def by_decomposition(g, rounds=5):
    """The same polynomial, put to each singular value by itself."""
    u, values, vh = torch.linalg.svd(g, full_matrices=False)
    a, b, c = QUINTIC
    values = values / values.norm()
    for _ in range(rounds):
        values = a * values + b * values**3 + c * values**5
    return u @ values.diag() @ vh


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None)
def test_directions_stay_and_lengths_follow_the_polynomial(rows, columns, seed):
    g = matrix(rows, columns, seed).double()
    torch.testing.assert_close(orthogonalise([g])[0], by_decomposition(g), rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(24, 27), (64, 576), (256, 64), (3, 64)])
def test_singular_values_come_close_to_one(shape):
    """Here from a matrix whose values span two decades, as those of gradients do."""
    u, _, vh = torch.linalg.svd(matrix(*shape), full_matrices=False)
    g = u @ torch.logspace(0, -2, min(shape)).diag() @ vh
    values = torch.linalg.svdvals(orthogonalise([g])[0])
    assert values.min() > 0.6 and values.max() < 1.3


def test_size_does_not_matter_and_zeros_stay():
    g = matrix(5, 8)
    small, large, none = orthogonalise([1e-12 * g, 1e6 * g, torch.zeros(5, 8)])
    torch.testing.assert_close(small, large)
    assert torch.equal(none, torch.zeros(5, 8))


def test_together_as_each_alone():
    """Wide, high and square ones, some of one size, in any order."""
    several = [matrix(*shape) for shape in ((4, 9), (9, 4), (4, 4), (2, 7), (6, 4), (1, 1))]
    for one, alone in zip(orthogonalise(several), map(orthogonalise, zip(several)), strict=True):
        torch.testing.assert_close(one, alone[0])
    assert orthogonalise([]) == []


def test_two_steps_by_hand():
    first, second, start = matrix(4, 6, 1), matrix(4, 6, 2), matrix(4, 6, 3)
    weight = nn.Parameter(start.clone())
    optimiser = Muon([weight], 0.1, momentum=0.5, weight_decay=0.2, scale=0.3)
    expected, total = start, 0
    for gradient in (first, second):
        weight.grad = gradient
        optimiser.step()
        total = 0.5 * total + gradient
        step = orthogonalise([gradient + 0.5 * total])[0]
        expected = (1 - 0.1 * 0.2) * expected - 0.1 * 0.3 * 6**0.5 * step
        torch.testing.assert_close(weight.detach(), expected)


def step_twice(optimiser, weights):
    """The weights after two steps with gradients of their own."""
    for seed in (1, 2):
        for k, weight in enumerate(weights):
            weight.grad = matrix(*weight.shape, seed=10 * seed + k)
        optimiser.step()
    return [weight.detach() for weight in weights]


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch before 2.9 has no Muon")
@pytest.mark.parametrize("rounded", [False, True])
def test_equals_torch(rounded, monkeypatch):
    """Torch rounds to bfloat16 inside; without that, the weights agree as float32 does."""
    if not rounded:
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    shapes = [(6, 9), (9, 6), (8, 8), (1, 5)]
    ours, theirs = ([nn.Parameter(matrix(*shape)) for shape in shapes] for _ in range(2))
    numbers = {"momentum": 0.8, "weight_decay": 0.3}
    peer = torch.optim.Muon(theirs, lr=0.1, adjust_lr_fn="match_rms_adamw", **numbers)
    mine = Muon(ours, 0.1, scale=0.2, **numbers)
    tolerance = 0.01 if rounded else 1e-5
    for one, other in zip(step_twice(mine, ours), step_twice(peer, theirs), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


def test_a_kernel_is_the_matrix_that_it_multiplies_patches_with():
    kernel, gradient = matrix(8, 3 * 9).view(8, 3, 3, 3), matrix(8, 27, 1)
    flat, whole = nn.Parameter(kernel.flatten(1).clone()), nn.Parameter(kernel.clone())
    flat.grad, whole.grad = gradient, gradient.view(8, 3, 3, 3)
    Muon([flat, whole]).step()
    torch.testing.assert_close(flat, whole.flatten(1))


def test_what_has_no_gradient_is_left_alone():
    weight = nn.Parameter(matrix(2, 3))
    optimiser = Muon([weight], weight_decay=0.5)
    before = weight.detach().clone()
    optimiser.step()
    assert torch.equal(weight.detach(), before) and not optimiser.state


def test_matrices_go_to_muon_and_the_rest_to_adamw():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Linear(8, 8), nn.Linear(8, 2))
    model[3].weight.requires_grad_(False)
    muon, adamw = make_optimisers(model, 0.01)
    held = [[p for group in one.param_groups for p in group["params"]] for one in (muon, adamw)]
    assert [p.shape for p in held[0]] == [(8, 3, 3, 3), (8, 8)]
    assert [p.shape for p in held[1]] == [(8,), (8,), (8,), (8,), (2,)]
    assert muon.param_groups[0]["weight_decay"] == 0.01
    assert adamw.param_groups[0]["weight_decay"] == 0
    assert len(make_optimisers(nn.GroupNorm(2, 8), 0.01)) == 1
    with pytest.raises(ValueError, match="model must have parameters that require gradients"):
        make_optimisers(nn.ReLU(), 0.01)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"scale": -1.0}, "scale must be above 0, got -1.0"),
        ({"weight_decay": -0.1}, "weight_decay must be 0 or more, got -0.1"),
    ],
)
def test_numbers_out_of_range(options, words):
    with pytest.raises(ValueError, match=words):
        Muon([nn.Parameter(torch.ones(2, 2))], **options)


def test_a_bias_is_refused():
    with pytest.raises(ValueError, match=r"two axes or more, got \(3,\)"):
        Muon([nn.Parameter(torch.ones(3))])
