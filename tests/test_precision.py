"""Half types are widened and nothing else; a threshold in float32 decides as the double does."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minseg.precision import at_least_float32, exact_device, threshold_in


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_become_float32(dtype):
    values = torch.tensor([300.0, -0.1], dtype=dtype)
    assert at_least_float32(values).dtype == torch.float32
    assert at_least_float32(values).tolist() == values.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_others_stay_as_they_are(dtype):
    values = torch.ones(2, dtype=dtype)
    assert at_least_float32(values) is values


@given(st.floats(), st.integers(-2, 2), st.floats(width=32))
def test_a_threshold_decides_as_in_double(threshold, steps, other):
    """Of any float32, and of those around the threshold, where a rounded one decides wrongly."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
        for _ in range(abs(steps)):
            near = np.nextafter(near, np.float32(np.inf * steps))
    x = torch.tensor([float(near), other])
    assert torch.equal(x > threshold_in(torch.float32, threshold), x.double() > threshold)


def test_a_threshold_in_float32_is_never_above():
    assert threshold_in(torch.float64, 0.6) == 0.6 < float(np.float32(0.6))
    assert threshold_in(torch.float32, 0.6) == np.nextafter(np.float32(0.6), np.float32(0))
    assert threshold_in(torch.float32, 0.5) == 0.5


def test_doubles_stay_where_there_are_doubles():
    devices = {"cpu": "cpu", "cuda:1": "cuda:1", "mps": "cpu"}
    for device, where in devices.items():
        assert exact_device(torch.device(device)) == torch.device(where)
