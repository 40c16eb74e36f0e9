"""The back end of RoIAlign: the choice, its words, and that asking costs nothing on the CPU."""

import sys
import warnings

import pytest
import torch
from helpers.imported import imported_by

from minseg.roi import backend, roi_align, roi_pool

FEATURES, ROI = torch.zeros(1, 3, 8, 8), torch.tensor([[0, 1.0, 1, 5, 5]])


@pytest.mark.slow
def test_cpu_tensors_never_import_triton():
    code = (
        "import torch; from minseg.roi import roi_align;"
        "roi_align(torch.zeros(1, 3, 8, 8), torch.tensor([[0, 1.0, 1, 5, 5]]), 2)"
    )
    assert not {"minseg_kernels", "triton.language"} & imported_by(code)


def test_backends_have_names():
    with pytest.raises(ValueError, match="backend must be one of auto, torch, triton; got 'cuda'"):
        roi_align(FEATURES, ROI, 2, backend="cuda")


def test_without_triton_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "minseg_kernels", None)
    with pytest.raises(ImportError, match="pip install triton"):
        roi_align(FEATURES, ROI, 2, backend="triton")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_features_do_not_round_the_boxes(dtype):
    """A box at 1001.5 px is not one at 1000 or 1004, which is where bfloat16 would put it."""
    features = torch.randn(1, 2, 8, 1024, generator=torch.Generator().manual_seed(0)).to(dtype)
    features.requires_grad_()
    rois = torch.tensor([[0, 1001.5, 1, 1006.5, 5]])
    out = roi_align(features, rois, 2, 1.0, 2, aligned=True)
    exact = roi_align(features.double(), rois.double(), 2, 1.0, 2, aligned=True)
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), exact, atol=8e-3, rtol=8e-3)
    out.sum().backward()
    assert features.grad.dtype == dtype and features.grad.any()
    assert roi_pool(features, rois, 2).dtype == dtype


def test_auto_falls_back_to_pytorch_and_says_so_once(monkeypatch):
    """Here for a missing Triton; an old GPU, float64 and huge maps go the same way."""

    class OnGPU:
        is_cuda = True

    monkeypatch.setitem(sys.modules, "minseg_kernels", None)
    monkeypatch.setattr(backend, "_said", set())
    with pytest.warns(RuntimeWarning, match="RoIAlign uses PyTorch: .*pip install triton"):
        assert backend.triton_roi_align(OnGPU(), "auto") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend.triton_roi_align(OnGPU(), "auto") is None
