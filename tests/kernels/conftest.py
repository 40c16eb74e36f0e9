"""Where a check of the kernels runs: on the GPU, or in the interpreter that its process set up."""

import os

import pytest
import torch
from helpers.problems import fresh_seed


@pytest.fixture
def device():
    if os.environ.get("TRITON_INTERPRET") == "1":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return pytest.skip("neither a CUDA GPU nor TRITON_INTERPRET=1: see test_kernels.py")


@pytest.fixture
def seed():
    return fresh_seed()
