"""Coordinates, dynamic convolution, losses, point NMS, maskness: each against its definition."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import dice_loss
from minseg.models.solo import coordinate_channels, dynamic_conv, point_nms, with_coordinates
from minseg.models.solo.coordinates import coordinate_channels_loop
from minseg.models.solo.dynamic import dynamic_conv_loop, masks_of_batch
from minseg.models.solo.heads import cells_in_a_row
from minseg.models.solo.inference import maskness, point_nms_loop, upsample
from minseg.models.solo.losses import category_loss, mask_loss, share_of_places
from minseg.models.solo.model import both, cells_of_levels


@given(st.integers(1, 9), st.integers(1, 9))
def test_coordinates_equal_the_definition(height, width):
    channels = coordinate_channels(torch.zeros(2, 5, height, width))
    assert channels.shape == (2, 2, height, width)
    torch.testing.assert_close(channels[1], coordinate_channels_loop(height, width))


def test_a_place_has_the_same_coordinates_on_every_level():
    fine = coordinate_channels(torch.zeros(1, 1, 8, 12))
    coarse = coordinate_channels(torch.zeros(1, 1, 4, 6))
    torch.testing.assert_close(F.avg_pool2d(fine, 2), coarse)


def test_coordinates_of_one_axis():
    features = torch.rand(2, 3, 4, 5).half()
    x, y = coordinate_channels(features).unbind(1)
    for axes, expected in (("x", [x]), ("y", [y]), ("xy", [x, y])):
        joined = with_coordinates(features, axes)
        assert torch.equal(joined[:, :3], features) and joined.dtype == torch.float16
        assert torch.equal(joined[:, 3:], torch.stack(expected, 1))
    with pytest.raises(ValueError, match=r"features must be \(B, C, H, W\), got \(3, 4, 5\)"):
        with_coordinates(features[0])


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(0, 4))
def test_dynamic_conv_equals_the_definition(channels, height, width, count):
    features, kernels = torch.rand(channels, height, width), torch.randn(count, channels)
    masks = dynamic_conv(features, kernels)
    assert masks.shape == (count, height, width)
    torch.testing.assert_close(masks, dynamic_conv_loop(features, kernels))


def test_dynamic_conv_with_larger_kernels_is_a_convolution():
    features, conv = torch.rand(5, 6, 7), torch.nn.Conv2d(5, 3, 3, padding=1, bias=False)
    masks = dynamic_conv(features, conv.weight.flatten(1))
    torch.testing.assert_close(masks, conv(features[None])[0])
    for kernels in (torch.zeros(2, 4), torch.zeros(2, 5 * 4), torch.zeros(5)):
        with pytest.raises(ValueError, match=r"kernels must be \(P, E · t²\), t odd"):
            dynamic_conv(features, kernels)


def test_kernels_run_over_the_features_of_their_own_image():
    features, kernels = torch.rand(3, 4, 5, 6), torch.randn(3, 4)
    masks = masks_of_batch(features, kernels, torch.tensor([0, 2, 2]))
    for row, image in enumerate((0, 2, 2)):
        torch.testing.assert_close(masks[row], dynamic_conv(features[image], kernels)[row])


def test_a_kernel_is_taken_as_it_comes():
    """Twice the kernel is twice as sure; normalised kernels could not say so."""
    features, kernels = torch.rand(4, 5, 6), torch.randn(2, 4)
    torch.testing.assert_close(
        dynamic_conv(features, 2 * kernels), 2 * dynamic_conv(features, kernels)
    )


def test_category_loss_by_hand():
    """Nothing is known: p = ½, focal ¼ · ln 2 · (α or 1 − α); one positive of six."""
    logits, classes = torch.zeros(1, 3, 2), torch.tensor([[-1, 1, -1]])
    expected = (0.25 + 5 * 0.75) * 0.25 * torch.tensor(2.0).log() / 2  # over positives + 1
    torch.testing.assert_close(category_loss(logits, classes), expected)
    nothing = category_loss(logits, torch.full((1, 3), -1))
    torch.testing.assert_close(nothing, 6 * 0.75 * 0.25 * torch.tensor(2.0).log())


def test_classes_do_not_compete():
    """Each has a sigmoid: pushing one leaves the gradient of the others."""
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    (first,) = torch.autograd.grad(category_loss(logits, torch.tensor([[0]])), logits)
    raised = torch.tensor([[[5.0, 0, 0]]], requires_grad=True)
    (second,) = torch.autograd.grad(category_loss(raised, torch.tensor([[0]])), raised)
    torch.testing.assert_close(first[..., 1:], second[..., 1:])


def test_mask_loss_is_three_times_the_mean_dice():
    logits, true = torch.randn(4, 5, 6), torch.rand(4, 5, 6)
    expected = 3 * dice_loss(logits.sigmoid(), true, squared=True).mean()
    torch.testing.assert_close(mask_loss(logits, true), expected)
    empty = torch.zeros(0, 5, 6, requires_grad=True)
    loss = mask_loss(empty, torch.zeros(0, 5, 6))
    loss.backward()
    assert loss == 0 and empty.grad.shape == (0, 5, 6)


def test_shares_of_places():
    masks = torch.rand(2, 3, 8, 12) < 0.5
    shares = share_of_places(masks, 4)
    assert shares.shape == (2, 3, 2, 3) and shares.mean().item() == masks.float().mean().item()
    assert shares[1, 2, 0, 1] == masks[1, 2, :4, 4:8].float().mean()
    assert torch.equal(share_of_places(masks, 1), masks.float())


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 7), st.integers(0, 999))
def test_point_nms_equals_the_definition(classes, grid, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(1, 6, (classes, grid, grid), generator=generator) / 5
    assert torch.equal(point_nms(scores), point_nms_loop(scores))


def test_point_nms_compares_with_the_upper_left_only():
    scores = torch.tensor([[[0.5, 0.5, 0.4], [0.6, 0.1, 0.9], [0.6, 0.7, 0.7]]])
    expected = torch.tensor([[[0.5, 0.5, 0], [0.6, 0, 0.9], [0.6, 0.7, 0]]])
    assert torch.equal(point_nms(scores), expected)


def test_maskness_is_the_mean_probability_inside():
    logits = torch.tensor([[[2.0, 0.5], [0.0, -3.0]]])
    masks, sure = maskness(logits)
    assert masks.tolist() == [[[True, True], [False, False]]]
    torch.testing.assert_close(sure, torch.tensor([2.0, 0.5]).sigmoid().mean()[None])
    assert maskness(torch.zeros(0, 2, 2))[1].shape == (0,)


def test_upsampling_keeps_places():
    """A plane comes out as the plane at the centres of the finer places."""
    x = torch.arange(6.0).add(0.5).expand(1, 4, 6)  # coordinates of centres, in places
    fine = upsample(x, 4)
    expected = torch.arange(24).add(0.5).div(4).expand(16, 24)
    torch.testing.assert_close(fine[0, :, 2:-2], expected[:, 2:-2])  # the border repeats
    assert upsample(x, 1) is x


@settings(deadline=None)
@given(st.floats(-30, 30), st.floats(-30, 30))
def test_both_multiplies_probabilities(x, y):
    x, y = torch.tensor(x).double(), torch.tensor(y).double()
    expected = x.sigmoid() * y.sigmoid()
    torch.testing.assert_close(both(x, y).sigmoid(), expected, rtol=1e-9, atol=2e-6)
    swapped = both(y, x)
    torch.testing.assert_close(swapped, both(x, y))


def test_both_is_an_and_and_no_sum():
    """Far inside the column and outside of the row: outside. The sum of logits says inside."""
    far_inside, outside = torch.tensor(9.0), torch.tensor(-4.0)
    assert both(far_inside, outside) < -3.9 < 0 < far_inside + outside
    extreme = both(torch.tensor([200.0, -200.0]), torch.tensor([200.0, 200.0]))
    assert extreme.isfinite().all() and extreme[0] > 13 and extreme[1] == -200


def test_cells_come_row_by_row_and_level_after_level():
    fine, coarse = torch.arange(9.0).view(1, 1, 3, 3), torch.arange(9.0, 13.0).view(1, 1, 2, 2)
    both_levels = cells_in_a_row([fine.repeat(2, 5, 1, 1), coarse.repeat(2, 5, 1, 1)])
    assert torch.equal(both_levels, torch.arange(13.0)[None, :, None].expand(2, 13, 5))


def test_cells_belong_to_levels():
    cells = torch.tensor([0, 8, 9, 12, 13, 3])
    levels = cells_of_levels(cells, (3, 2, 1))
    assert [(own.tolist(), cell.tolist()) for own, cell in levels] == [
        ([0, 1, 5], [0, 8, 3]),
        ([2, 3], [0, 3]),
        ([4], [0]),
    ]
