"""Two results are the same, or a line says where they first differ."""

import re

import numpy as np
import pytest
import torch

from minseg.course.compare import describe, difference


@pytest.mark.parametrize(
    "actual, expected",
    [
        (torch.tensor(2.0), 2.0),
        (2, 2.0),
        (np.float64(2), torch.tensor(2.0)),
        (np.ones((2, 3)), torch.ones(2, 3)),
        (torch.ones(3, dtype=torch.float64) + 1e-7, torch.ones(3)),
        (torch.tensor([float("nan"), float("inf")]), torch.tensor([float("nan"), float("inf")])),
        ([1.0, (2, True)], (1.0, [2, True])),
        ({"a": torch.ones(1)}, {"a": torch.ones(1)}),
        (np.int32(3), 3),
        (None, None),
        ("void", "void"),
        (torch.empty(0, 4), torch.empty(0, 4)),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
    ],
)
def test_these_are_the_same(actual, expected):
    assert difference(actual, expected, 1e-5) is None


@pytest.mark.parametrize(
    "actual, expected, words",
    [
        (2, 2.5, "yours is 2, right is 2.5"),
        (3.0, 3, "yours is floating point, right is integer"),
        (1, True, "yours is integer, right is bool"),
        (torch.ones(2), torch.ones(2, 1), r"shape \(2,\), right is \(2, 1\)"),
        (torch.tensor([1.0, float("nan")]), torch.ones(2), r"at \[1\] yours is nan, right is 1"),
        (torch.tensor([[0, 10_000_001]]), torch.tensor([[0, 10_000_000]]), "10000001, right"),
        (1.00002, 1.0, "yours is 1.00002, right is 1"),
        (1 + 2e-9, 1.0, "1.000000002, right is 1.0"),
        ((1, 2), (1, 2, 3), "yours has 2 values, right are 3"),
        ([1, 2, 4], (1, 2, 3), "value 2: yours is 4, right is 3"),
        (5, (1, 2), "yours is 5, right is 2 values in a row"),
        ({"a": 1}, {"b": 1}, r"keys \['a'\], right are \['b'\]"),
        ({"a": 1}, {"a": 2}, r"\['a'\]: yours is 1, right is 2"),
        (None, 2.0, "yours is None, right is 2"),
        (10**30, 2, "right is 2"),
        ("void", None, "yours is 'void', right is None"),
    ],
)
def test_these_differ(actual, expected, words):
    found = difference(actual, expected, 1e-12 if isinstance(actual, float) else 1e-5)
    assert found is not None and re.search(words, found), found


def test_values_in_a_few_words():
    assert describe(torch.zeros(100, 100)) == "float32 tensor (100, 100)"
    assert describe((torch.tensor([0.1]), 1 / 3)) == "(float32 tensor (1,) [0.1], 0.333333)"
    assert describe(["floor"]) == "['floor']"
    assert describe(("floor",)) == "('floor',)"


def test_a_list_is_cut_with_a_count():
    assert describe(list(range(45))).endswith("38, 39, … 5 more]")
    assert describe({"a": [1.0] * 41}).endswith("1, … 1 more]}")
    own = []
    own.append(own)
    assert len(describe(own)) < 100
