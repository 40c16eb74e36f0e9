"""Bilinear sampling: equal to its loop, exact on planes, with the derivative that C44 asks for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.roi import bilinear_sample, bilinear_sample_loop

BY_HAND = {  # (x, y) of a map with 0 and 1 in its upper row, 10 and 11 in the lower
    (0.0, 0.0): 0,
    (0.25, 0.5): 5.25,
    (1.0, 1.0): 11,
    (9.0, 9.0): 11,  # the border repeats
    (-3.0, 0.5): 5,
}


@pytest.mark.parametrize("function", [bilinear_sample, bilinear_sample_loop])
def test_by_hand(function):
    x, y = torch.tensor(list(BY_HAND)).unbind(dim=1)
    features = torch.tensor([[[0.0, 1.0], [10.0, 11.0]]])
    assert function(features, x, y)[0].tolist() == list(BY_HAND.values())


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_equals_the_definition(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(3, height, width, dtype=torch.float64, generator=generator)
    x, y = torch.rand(2, 12, dtype=torch.float64, generator=generator) * 14 - 2
    x[:4], y[2:6] = x[:4].round(), y[2:6].round()  # whole numbers, too
    torch.testing.assert_close(
        bilinear_sample(features, x, y), bilinear_sample_loop(features, x, y)
    )


def test_exact_on_a_plane():
    i, j = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    x, y = torch.tensor([0.0, 2.25, 6.0]), torch.tensor([4.0, 1.5, 0.75])
    torch.testing.assert_close(bilinear_sample((2 * j - i)[None], x, y)[0], 2 * x - y)


def test_derivative_at_an_integer():
    """On features k² the derivative at 2 is towards 3: 9 - 4 = 5, not 0."""
    squares = torch.arange(6.0).square().expand(1, 1, 6)
    x = torch.tensor([2.0], requires_grad=True)
    bilinear_sample(squares, x, torch.zeros(1)).sum().backward()
    assert x.grad.item() == 5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_read_in_float32(dtype):
    """The last column of 512 is 511, which bfloat16 rounds to 512; 600 lies beyond."""
    features = torch.randn(2, 3, 512, generator=torch.Generator().manual_seed(0)).to(dtype)
    x, y = torch.tensor([510.0, 600, 3.25]).to(dtype), torch.tensor([0.3, 1.1, 2.6]).to(dtype)
    got, exact = (
        bilinear_sample(features, x, y),
        bilinear_sample(*map(torch.Tensor.float, (features, x, y))),
    )
    assert got.dtype == torch.float32 and torch.equal(got, exact)


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (
            ValueError,
            r"features must be \(C, H, W\)",
            (torch.zeros(1, 1, 2, 2),) + 2 * (torch.zeros(1),),
        ),
        (
            TypeError,
            "features must be floating point",
            (torch.zeros(1, 2, 2).int(),) + 2 * (torch.zeros(1),),
        ),
        (
            ValueError,
            "vectors of one length",
            (torch.zeros(1, 2, 2), torch.zeros(2), torch.zeros(1)),
        ),
        (
            ValueError,
            "must be finite",
            (torch.zeros(1, 2, 2), torch.zeros(1), torch.tensor([torch.nan])),
        ),
    ],
)
def test_says_what_it_needs(error, words, arguments):
    with pytest.raises(error, match=words):
        bilinear_sample(*arguments)
