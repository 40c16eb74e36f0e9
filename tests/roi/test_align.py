"""RoIAlign: equal to its loop, to torchvision, to closed forms; clear about bad input."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from helpers.rois import BOX, rois_of
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from minseg.roi import roi_align, roi_align_loop, roi_warp


@pytest.mark.parametrize("path", case_paths("roi_align"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    features = case["input"].requires_grad_()
    tolerance = 1e-10 if features.dtype == torch.float64 else 5e-5
    keywords = ("output_size", "spatial_scale", "sampling_ratio", "aligned")
    out = roi_align(features, case["rois"], **{k: meta[k] for k in keywords})
    torch.testing.assert_close(out, case["output"], atol=tolerance, rtol=0)
    out.backward(case["grad_output"])
    torch.testing.assert_close(features.grad, case["grad_input"], atol=tolerance, rtol=0)


MAP = torch.arange(25.0).view(1, 1, 5, 5)  # the value at row i, column j is 5 i + j
BOX_1_TO_3 = torch.tensor([[0, 1.0, 1, 3, 3]])
BY_HAND = {  # 4 × 4 bins, half a pixel wide: the first has its middle at 1.25, or 0.75 if aligned
    True: [
        [4.5, 5.0, 5.5, 6.0],
        [7.0, 7.5, 8.0, 8.5],
        [9.5, 10.0, 10.5, 11.0],
        [12.0, 12.5, 13.0, 13.5],
    ],
    False: [
        [7.5, 8.0, 8.5, 9.0],
        [10.0, 10.5, 11.0, 11.5],
        [12.5, 13.0, 13.5, 14.0],
        [15.0, 15.5, 16.0, 16.5],
    ],
}


@pytest.mark.parametrize("function", [roi_align, roi_align_loop])
@pytest.mark.parametrize("aligned", [True, False])
def test_by_hand(function, aligned):
    """The table of detectron2's own test: half a pixel each way is 5 · ½ + ½ = 3."""
    assert function(MAP, BOX_1_TO_3, 4, 1.0, 2, aligned)[0, 0].tolist() == BY_HAND[aligned]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(BOX, max_size=3),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(-1, 3),
    st.booleans(),
    st.sampled_from([1.0, 0.5]),
)
def test_equals_the_definition(boxes, shape, size, ratio, aligned, scale):
    features = torch.randn(1, 2, *shape, dtype=torch.float64, generator=seeded())
    rois = rois_of(boxes, torch.float64)
    fast = roi_align(features, rois, size, scale, ratio, aligned)
    loop = roi_align_loop(features, rois, size, scale, ratio, aligned)
    torch.testing.assert_close(fast, loop, atol=1e-12, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(*[st.integers(-24, 48)] * 4), min_size=1, max_size=3),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(-1, 3),
    st.booleans(),
    st.sampled_from([torch.inf, -torch.inf, torch.nan]),
)
def test_a_weight_of_0_reads_nothing(halves, shape, size, ratio, aligned, value):
    """Samples at whole numbers and beyond the map; forward, backward, and the loop."""
    rois = torch.tensor([[0.0, *box] for box in halves], dtype=torch.float64)
    rois[:, 1:] /= 2
    ones = torch.ones(1, 2, *shape, dtype=torch.float64, requires_grad=True)
    roi_align(ones, rois, size, 1.0, ratio, aligned).sum().backward()
    finite = torch.randn(ones.shape, dtype=torch.float64, generator=seeded())
    spoilt = torch.where(ones.grad == 0, value, finite)
    outputs, gradients = [], []
    for features in (finite, spoilt):
        features.requires_grad_()
        out = roi_align(features, rois, size, 1.0, ratio, aligned)
        out.square().sum().backward()
        outputs.append(out.detach())
        gradients.append(features.grad)
    assert torch.equal(*outputs) and torch.equal(*gradients)
    loop = roi_align_loop(spoilt.detach(), rois, size, 1.0, ratio, aligned)
    torch.testing.assert_close(loop, outputs[0], atol=1e-12, rtol=0)


def test_what_is_read_may_be_infinite():
    features = torch.zeros(1, 1, 4, 4)
    features[0, 0, 1, 1] = torch.inf
    out = roi_align(features, torch.tensor([[0, 0.0, 0, 4, 4]]), 2, 1.0, 1, True)
    assert out.flatten().tolist() == [torch.inf, 0, 0, 0]  # samples at 0.5 and 2.5


FAR = st.floats(-5000, 5000)


@settings(deadline=None, max_examples=25)
@given(st.tuples(FAR, FAR, FAR, FAR), st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_adaptive_grids_beyond_the_map_equal_the_definition(box, shape):
    features = torch.randn(1, 1, *shape, dtype=torch.float64, generator=seeded())
    roi = torch.tensor([[0.0, *box]], dtype=torch.float64)
    fast, loop = roi_align(features, roi, 2), roi_align_loop(features, roi, 2)
    torch.testing.assert_close(fast, loop, atol=1e-12, rtol=1e-9)


class Largest(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that is made."""

    numbers = 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        made = operation(*arguments, **(keywords or {}))
        sizes = [x.numel() for x in tree_leaves(made) if isinstance(x, torch.Tensor)]
        self.numbers = max([self.numbers, *sizes])
        return made


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_wild_box_takes_no_more_than_the_map(dtype):
    """A bin of 10⁷ px has 10⁷ samples a side, of which 8 lie within [-1, 6]."""
    box = torch.tensor([[0, -1.4e7, -1.4e7, 1.6e7, 1.6e7]], dtype=dtype)
    with Largest() as largest:
        out = roi_align(torch.ones(1, 1, 6, 6, dtype=dtype), box, 3)
    assert largest.numbers < 9 * 40**2
    assert out.count_nonzero() == 1  # of nine bins
    assert out[0, 0, 1, 1].item() == pytest.approx((8 / 1e7) ** 2, rel=0.3)


def test_wild_boxes_are_taken_a_few_at_a_time(monkeypatch):
    features = torch.randn(1, 2, 9, 9, dtype=torch.float64, generator=seeded())
    corner = torch.rand(5, 2, dtype=torch.float64, generator=seeded(1)) * 60
    rois = torch.cat([torch.zeros(5, 1).double(), 4 - corner, 5 + corner], dim=1)
    outputs, gradients = [], []
    for most in (10**9, 100):
        monkeypatch.setattr("minseg.roi.align.MOST_TAPS", most)
        leaf = features.clone().requires_grad_()
        outputs.append(roi_align(leaf, rois, 2))
        outputs[-1].square().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("operator", [roi_align, roi_align_loop, roi_warp])
@pytest.mark.parametrize("side", [1e9, 3e38])
def test_a_bin_of_more_samples_than_there_are_numbers_is_refused(operator, side):
    boxes = torch.tensor([[0, 1.0, 1, 2, 2], [0, 0, 0, 5, side]])
    words = r"at most 16777216 feature pixels in a bin .* got [\d.e+]+ of \[.*\] in row 1: clip"
    with pytest.raises(ValueError, match=words):
        operator(torch.ones(1, 1, 4, 4), boxes, 7)
    assert operator(torch.ones(1, 1, 4, 4), boxes, 7, 1.0, 2).shape == (2, 1, 7, 7)
    assert operator(torch.ones(1, 1, 4, 4), boxes, 7, 1 / side).shape == (2, 1, 7, 7)


@pytest.mark.parametrize("value", [1e9, 1e30, torch.inf, torch.nan])
def test_without_validation_such_a_bin_reads_nothing(value):
    boxes = torch.tensor([[0, 0, 0, value, value]])
    assert not roi_align(torch.ones(1, 1, 4, 4), boxes, 1, aligned=True, validate=False).any()


def test_exact_on_a_plane():
    """The average of an affine map over a bin is its value in the bin's middle."""
    i, j = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    plane = (3 * j - 2 * i + 5).double()[None, None]
    box = torch.tensor([[0, 17.3, 9.1, 40.9, 30.7]], dtype=torch.float64)
    out = roi_align(plane, box, (2, 4), spatial_scale=0.5, aligned=True)
    x = torch.linspace(17.3, 40.9, 9, dtype=torch.float64)[1::2] / 2 - 0.5
    y = torch.linspace(9.1, 30.7, 5, dtype=torch.float64)[1::2] / 2 - 0.5
    torch.testing.assert_close(out[0, 0], 3 * x[None] - 2 * y[:, None] + 5)


def test_samples_on_the_outer_border_count():
    """At exactly -1 and at exactly H a sample is clamped; beyond it is 0 and still averaged."""
    ones = torch.ones(1, 1, 4, 4, dtype=torch.float64)

    def middle(y, samples):  # a box one pixel high around y
        box = torch.tensor([[0, 1, y - 0.5, 2, y + 0.5]], dtype=torch.float64)
        return roi_align(ones, box, 1, 1.0, samples, aligned=False).item()

    assert middle(-1.0, 1) == 1 and middle(4.0, 1) == 1
    assert middle(-1.001, 1) == 0 and middle(4.001, 1) == 0
    assert middle(-1.0, 2) == 0.5  # samples at -1.25 and -0.75


def test_a_list_of_boxes_is_the_same_as_rows():
    features = torch.randn(3, 2, 9, 9, generator=seeded())
    lists = [torch.rand(n, 4, generator=seeded(n)) * 9 for n in (2, 0, 1)]
    image = torch.tensor([[0.0], [0.0], [2.0]])
    rows = torch.cat([image, torch.cat(lists)], dim=1)
    torch.testing.assert_close(roi_align(features, lists, 3), roi_align(features, rows, 3))


def test_channels_last_changes_nothing():
    features = torch.randn(2, 5, 8, 9, generator=seeded())
    rois = torch.tensor([[1, 0.3, 0.7, 6.1, 7.9]])
    channels_last = features.to(memory_format=torch.channels_last)
    torch.testing.assert_close(roi_align(channels_last, rois, 3), roi_align(features, rois, 3))


@pytest.mark.parametrize("ratio", [2, 0])
def test_gradient_to_the_features_only(ratio):
    features = torch.randn(1, 2, 5, 6, dtype=torch.float64, generator=seeded(), requires_grad=True)
    rois = torch.tensor([[0, 0.3, -2.0, 4.1, 5.2], [0, 3, 1, 9, 3]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: roi_align(f, rois, (2, 3), 1.0, ratio), features)
    moving = rois.clone().requires_grad_()
    roi_align(features, moving, 2).sum().backward()
    assert moving.grad is None


@pytest.mark.parametrize("empty", [torch.zeros(0, 5), [], [torch.zeros(0, 4)]], ids=str)
def test_no_boxes_still_carry_gradients(empty):
    features = torch.randn(1, 2, 5, 5, requires_grad=True)
    out = roi_align(features, empty, (3, 4))
    assert out.shape == (0, 2, 3, 4)
    out.sum().backward()
    assert features.grad is not None and not features.grad.any()


def test_the_backward_is_repeatable():
    features = torch.randn(2, 8, 20, 20, generator=seeded())
    corner = torch.rand(64, 2, generator=seeded(1)) * 10
    image = torch.arange(64)[:, None] % 2
    rois = torch.cat([image, corner, corner + 8], dim=1)

    def gradient():
        leaf = features.clone().requires_grad_()
        roi_align(leaf, rois, 7, 1.0, 2).square().sum().backward()
        return leaf.grad

    assert torch.equal(gradient(), gradient())


def test_warp_rounds_the_box_and_interpolates_inside():
    features = torch.randn(1, 2, 12, 12, generator=seeded())
    rough, whole = torch.tensor([[0, 8.6, 5.4, 30, 39.0]]), torch.tensor([[0, 2, 1, 8, 10.0]])
    warped = roi_warp(features, rough, 3, spatial_scale=0.25)
    torch.testing.assert_close(warped, roi_align(features, whole, 3, aligned=True))


FEATURES, ROI = torch.zeros(2, 3, 8, 8), torch.tensor([[0, 1.0, 1, 5, 5]])


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, r"input must be \(N, C, H, W\)", (FEATURES[0], ROI, 2)),
        (TypeError, "input must be floating point", (FEATURES.to(torch.uint8), ROI, 2)),
        (TypeError, "input must be a tensor", (FEATURES.numpy(), ROI, 2)),
        (ValueError, r"boxes must be \(K, 5\)", (FEATURES, ROI[:, :4], 2)),
        (TypeError, "boxes must be floating point", (FEATURES, ROI.long(), 2)),
        (ValueError, r"boxes\[1\] must be \(L, 4\)", (FEATURES, [ROI[:, 1:], ROI], 2)),
        (TypeError, "boxes must be a tensor or a list", (FEATURES, [[0, 0, 1, 1]], 2)),
        (ValueError, "boxes must be finite", (FEATURES, ROI * float("nan"), 2)),
        (ValueError, "boxes must be finite", (FEATURES, ROI + float("inf"), 2)),
        (ValueError, "whole number from 0 to 1, got 2.0 in row 0", (FEATURES, ROI + 2, 2)),
        (ValueError, "whole number from 0 to 1, got 0.5", (FEATURES, ROI + 0.5, 2)),
        (ValueError, "whole number from 0 to 1, got -1.0", (FEATURES, ROI - 1, 2)),
        (ValueError, "boxes must be on cpu", (FEATURES, ROI.to("meta"), 2)),
        (ValueError, "output_size must be one or two numbers", (FEATURES, ROI, 0)),
        (ValueError, "output_size must be one or two numbers", (FEATURES, ROI, (2, 2, 2))),
        (TypeError, "output_size must be of whole numbers", (FEATURES, ROI, (2.0, 2))),
        (TypeError, "output_size must be of whole numbers, got 2.5", (FEATURES, ROI, 2.5)),
        (ValueError, "spatial_scale must be positive", (FEATURES, ROI, 2, 0.0)),
        (ValueError, "spatial_scale must be positive", (FEATURES, ROI, 2, float("nan"))),
    ],
)
def test_says_what_it_needs(error, words, arguments):
    with pytest.raises(error, match=words):
        roi_align(*arguments)


def test_values_are_checked_only_where_that_is_free():
    """Without validation a NaN box is read somewhere in the map, never outside of it."""
    out = roi_align(
        FEATURES + 1, ROI * torch.tensor([1, torch.nan, 1, 1, 1]), 2, 1.0, 2, validate=False
    )
    assert out.shape == (1, 3, 2, 2)
