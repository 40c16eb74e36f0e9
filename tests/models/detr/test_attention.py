"""Attention: its definition, the library's layer, padding, and several heads."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from minseg.models.detr import Attention, attention, attention_log_weights, attention_loop


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.integers(0, 999))
def test_equals_the_definition(n, m, d, seed):
    queries, keys = 3 * seeded(n, d, seed=seed), seeded(m, d, seed=seed + 1)
    values = seeded(m, 2, seed=seed + 2)
    expected = attention_loop(queries, keys, values)
    torch.testing.assert_close(attention(queries, keys, values), expected)
    weights = attention_log_weights(queries, keys).exp()
    torch.testing.assert_close(weights @ values, expected)


def test_by_hand():
    """Scores log 1 and log 3, whose root of d is 2: a quarter of one value, three of the other."""
    queries = torch.tensor([[2.0, 0, 0, 0]])
    keys = torch.tensor([[0.0, 0, 0, 0], [math.log(3), 0, 0, 0]])
    read = attention(queries, keys, torch.tensor([[0.0], [8.0]]))
    torch.testing.assert_close(read, torch.tensor([[6.0]]))


def test_padding_is_not_read():
    queries, keys, values = seeded(3, 4), seeded(5, 4, seed=1), seeded(5, 2, seed=2)
    real = torch.tensor([True, False, True, True, False])
    expected = attention(queries, keys[real], values[real])
    torch.testing.assert_close(attention(queries, keys, values, real), expected)
    weights = attention_log_weights(queries, keys, real).exp()
    assert (weights[:, ~real] == 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_equals_the_librarys_layer():
    """With the three matrices stacked as `nn.MultiheadAttention` has them."""
    ours, theirs = Attention(16, 4), nn.MultiheadAttention(16, 4, batch_first=True)
    joint = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([one.weight for one in joint]))
        theirs.in_proj_bias.copy_(torch.cat([one.bias for one in joint]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    asking, asked, contents = (seeded(2, n, 16, seed=k) for k, n in enumerate((3, 7, 7)))
    real = torch.arange(7) < torch.tensor([[7], [4]])
    expected, weights = theirs(
        asking, asked, contents, key_padding_mask=~real, average_attn_weights=False
    )
    torch.testing.assert_close(ours(asking, asked, contents, real), expected)
    read, logs = ours.look(asking, asked, contents, real)
    torch.testing.assert_close(read, expected)
    torch.testing.assert_close(logs.exp(), weights)


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="width must be a multiple of heads=3, got 16"):
        Attention(16, 3)
