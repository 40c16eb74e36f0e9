"""Dense CRF: equal to the pairwise definition; mends noise, erases thin parts if too strong."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks import mean_field_crf, mean_field_crf_loop

CENTRE = torch.arange(40) + 0.5


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 4), st.integers(1, 5), st.integers(2, 3), st.integers(0, 3), st.integers(0, 99)
)
def test_equals_the_definition(height, width, labels, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(labels, height, width, generator=generator)
    p[:, 0, 0] = torch.eye(labels)[0]  # one pixel is certain
    p = p / p.sum(dim=0)
    image = torch.rand(3, height, width, generator=generator)
    weights = {"appearance": 0.4, "theta_alpha": 3, "theta_beta": 0.3}
    weights |= {"smoothness": 0.3, "theta_gamma": 1.5, "steps": steps}
    q = mean_field_crf(p, image, **weights)
    torch.testing.assert_close(q, mean_field_crf_loop(p, image, **weights), atol=1e-5, rtol=0)
    torch.testing.assert_close(q.sum(dim=0), torch.ones(height, width))
    assert q[0, 0, 0] == 1


def test_two_pixels_by_hand():
    """Neither hears itself, and colours are alike: Q(1) ∝ p exp(−k (1 − p of the other))."""
    p = torch.tensor([[0.8, 0.4]])
    image = torch.full((3, 1, 2), 0.5)
    near = 0.5 * math.exp(-1 / 8) + 0.7 * math.exp(-1 / 2)
    weights = {"appearance": 0.5, "theta_alpha": 2, "smoothness": 0.7, "theta_gamma": 1}
    q = mean_field_crf(p, image, **weights, steps=1)
    for i in (0, 1):
        me, other = p[0, i].item(), p[0, 1 - i].item()
        yes, no = me * math.exp(-near * (1 - other)), (1 - me) * math.exp(-near * other)
        assert q[0, i].item() == pytest.approx(yes / (yes + no), abs=1e-6)


def test_foreground_alone_is_two_labels():
    generator = torch.Generator().manual_seed(0)
    p, image = torch.rand(6, 7, generator=generator), torch.rand(3, 6, 7, generator=generator)
    both = mean_field_crf(torch.stack([1 - p, p]), image)
    torch.testing.assert_close(mean_field_crf(p, image), both[1], atol=0, rtol=0)
    torch.testing.assert_close(mean_field_crf(p, image, steps=0), p)


def scene():
    """A disc with a thin arm; its image, noisy; a noisy guess at it."""
    truth = (CENTRE[None] - 16) ** 2 + (CENTRE[:, None] - 20) ** 2 <= 100
    arm = torch.zeros_like(truth)
    arm[19:21, 28:37] = True
    generator = torch.Generator().manual_seed(0)
    inside, outside = torch.tensor([[0.8, 0.5, 0.3], [0.3, 0.5, 0.6]])[..., None, None]
    image = torch.where(truth | arm, inside, outside)
    image = image + 0.1 * torch.randn(3, 40, 40, generator=generator)
    logits = 2.0 * (truth | arm) - 1 + 1.5 * torch.randn(40, 40, generator=generator)
    return truth | arm, arm, image, logits.sigmoid()


def iou(a, b):
    return ((a & b).sum() / (a | b).sum()).item()


def test_mends_a_noisy_mask():
    truth, _, image, p = scene()
    q = mean_field_crf(p, image)
    assert iou(p > 0.5, truth) < 0.5
    assert iou(q > 0.5, truth) > 0.8
    blind = mean_field_crf(p, torch.zeros_like(image))  # the image is what it mends by
    assert iou(blind > 0.5, truth) < 0.5


def test_too_much_smoothness_erases_thin_parts():
    truth, arm, image, p = scene()
    gentle = mean_field_crf(p, image, appearance=0.2) > 0.5
    strong = mean_field_crf(p, image, appearance=0, smoothness=2) > 0.5
    assert (gentle & arm).sum() > 0.8 * arm.sum()
    assert not (strong & arm).any()
    assert iou(strong & ~arm, truth & ~arm) > 0.85  # what is thick remains


P, IMAGE = torch.full((4, 5), 0.5), torch.rand(3, 4, 5)


@pytest.mark.parametrize(
    ("error", "words", "p", "image", "options"),
    [
        (TypeError, "probabilities must be a float", P > 0, IMAGE, {}),
        (ValueError, "probabilities must be free of NaN", P * math.nan, IMAGE, {}),
        (ValueError, r"probabilities must be probabilities in \[0, 1\]", P * 4, IMAGE, {}),
        (ValueError, "must sum to 1 over labels, got 1.5", P.expand(3, 4, 5), IMAGE, {}),
        (ValueError, r"must be \(H, W\) or \(K, H, W\)", P.expand(1, 2, 4, 5), IMAGE, {}),
        (ValueError, r"as the image, got \(4, 5\) and an image \(3, 5, 4\)", P, IMAGE.mT, {}),
        (ValueError, r"image must be \(3, H, W\), got \(4, 5\)", P, IMAGE[0], {}),
        (TypeError, "image must be a floating-point tensor", P, IMAGE > 0, {}),
        (ValueError, "image must be free of NaN", P, IMAGE * math.nan, {}),
        (ValueError, "steps must be at least 0, got -1", P, IMAGE, {"steps": -1}),
        (ValueError, "smoothness must be at least 0", P, IMAGE, {"smoothness": -1}),
        (ValueError, "theta_beta must be a positive number, got 0", P, IMAGE, {"theta_beta": 0}),
    ],
)
def test_says_what_it_needs(error, words, p, image, options):
    with pytest.raises(error, match=words):
        mean_field_crf(p, image, **options)


def test_refuses_what_memory_does_not_hold():
    large = torch.full((128, 128), 0.5)
    with pytest.raises(ValueError, match=r"at most 10000 pixels.*got 16384 \(1.1 GB\)"):
        mean_field_crf(large, large.expand(3, 128, 128))
