"""Panoptic ids: they come back as they went in, and nothing is ever wrapped."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.panoptic import decode, encode


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 999), st.sampled_from([256, 1000, 65536]))
def test_round_trip(category, instance, divisor):
    instance = min(instance, divisor - 1)
    ids = encode(torch.tensor([[0, category]]), torch.tensor([[0, instance]]), divisor)
    assert ids.tolist() == [[0, category * divisor + instance]]
    assert [t.tolist() for t in decode(ids, divisor)] == [[[0, category]], [[0, instance]]]


def of(*numbers):
    return torch.tensor(numbers)


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, "instance must be below max_instances=1000, got 1000", (of(1), of(1000))),
        (ValueError, "does not fit torch.uint8", (of(1), of(3), 256, torch.uint8)),
        (ValueError, "does not fit torch.int16", (of(33), of(0), 1000, torch.int16)),
        (ValueError, "must not be negative", (of(1), of(-1))),
        (ValueError, r"instance must be 0 where category is 0", (of(0), of(2))),
        (ValueError, r"one shape, got \(1,\) and \(2,\)", (of(1), of(1, 1))),
        (TypeError, "category must be of integers, got torch.float32", (of(1.0), of(1))),
        (ValueError, "max_instances must be at least 1", (of(1), of(0), 0)),
    ],
)
def test_encode_refuses(error, words, arguments):
    with pytest.raises(error, match=words):
        encode(*arguments)


def test_uint16_holds_65_classes_and_a_half():
    assert encode(of(65), of(535), dtype=torch.uint16).tolist() == [65535]
    with pytest.raises(ValueError, match="id 65536 of category 65 does not fit"):
        encode(of(65), of(536), dtype=torch.uint16)


def test_decode_refuses_negative_ids():
    with pytest.raises(ValueError, match="ids must not be negative, got -5"):
        decode(of(-5))
