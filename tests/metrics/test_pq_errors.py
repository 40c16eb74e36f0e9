"""What PQ lost: every cause on its own, and together they are 1 − PQ."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.metrics import panoptic_errors, panoptic_quality

KINDS = {"things": [1, 2], "stuff": [3]}
PARTS = ("pq", "boundary_only", "poor_mask", "confused_class", "missed", "invented")


def scene():
    """A square of 40 on stuff; the diagonal is 141, so the band of 2 % is 3 pixels."""
    target = torch.full((100, 100), 3000)
    target[30:70, 30:70] = 1001
    return target


def square_parts(prediction, target, category=1):
    return panoptic_errors([prediction], [target], **KINDS).per_class[category]


def test_a_thin_halo_is_boundary_only():
    prediction = scene()
    prediction[29:71, 29:71] = 1001
    parts = square_parts(prediction, scene())
    assert parts.boundary_only == pytest.approx(1 - 40**2 / 42**2)
    assert parts.pq + parts.boundary_only == pytest.approx(1)


def test_a_lost_quarter_is_a_poor_mask_but_for_the_band():
    prediction = scene()
    prediction[60:70, 30:70] = 3000
    parts = square_parts(prediction, scene())
    assert parts.poor_mask == pytest.approx(7 * 34 / 1600)  # of 400 lost, so many off the band
    assert parts.boundary_only == pytest.approx((400 - 7 * 34) / 1600)


def test_half_a_mask_is_poor_and_not_missed():
    prediction = scene()
    prediction[50:70, 30:70] = 3000
    parts = square_parts(prediction, scene())
    assert (parts.poor_mask, parts.missed, parts.invented, parts.pq) == (1, 0, 0, 0)


def test_a_corner_is_missed_and_invented():
    """An IoU of 9 % is no attempt at the object."""
    prediction = torch.full((100, 100), 3000)
    prediction[30:42, 30:42] = 1001
    parts = square_parts(prediction, scene())
    assert (parts.missed, parts.invented) == (0.5, 0.5)


def test_another_class_is_confused_in_both():
    prediction = scene()
    prediction[prediction == 1001] = 2001
    for category in (1, 2):
        assert square_parts(prediction, scene(), category).confused_class == 1
    prediction[45:70, 30:70] = 3000  # now the overlap is below one half
    assert square_parts(prediction, scene(), 1).missed == 1
    assert square_parts(prediction, scene(), 2).invented == 1


def test_the_better_half_takes_the_blame():
    """Cut 18 : 22, with IoUs .45 and .55, the larger matches and the smaller is invented."""
    prediction = scene()
    prediction[30:48, 30:70] = 1002
    parts = square_parts(prediction, scene())
    assert parts.invented == pytest.approx(0.5 / 1.5)
    prediction[48:52, 30:70] = 3000  # .45 and .45: one is the poor mask, the other invented
    parts = square_parts(prediction, scene())
    assert (parts.poor_mask, parts.invented) == pytest.approx((2 / 3, 1 / 3))


def test_the_best_overlap_names_the_cause():
    """More than half of the object in another class, the rest in its own: it was confused."""
    prediction = scene()
    prediction[30:52, 30:70] = 2001
    parts = square_parts(prediction, scene())
    assert (parts.confused_class, parts.invented, parts.poor_mask) == (0.5, 0.5, 0)


def test_errors_on_void_do_not_dilute_those_of_the_boundary():
    target, prediction = scene(), scene()
    target[10:30, 30:70], prediction[10:30, 30:70] = 0, 1001  # reaches far from the truth
    prediction[30:70, 29] = 1001
    parts = square_parts(prediction, target)
    assert (parts.boundary_only, parts.poor_mask) == pytest.approx((40 / 1640, 0))


def test_void_and_crowds_are_no_errors():
    target, prediction = scene(), scene()
    target[20:30, 30:70], prediction[20:30, 30:70] = 0, 1001
    target[80:90, 30:70], prediction[80:90, 30:70] = 2005, 2001
    errors = panoptic_errors([prediction], [target], crowd=[[2005]], **KINDS)
    assert errors.per_class[1].pq == 1 and 2 not in errors.per_class
    assert math.isnan(panoptic_errors([], [], **KINDS).missed)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0, 0.6))
def test_the_parts_add_up(seed, images, noise):
    generator = torch.Generator().manual_seed(seed)

    def one():
        cells = torch.tensor([0, 1001, 1002, 2001, 3000])
        target = cells[torch.randint(0, 5, (3, 4), generator=generator)]
        target = target.repeat_interleave(5, 0).repeat_interleave(5, 1)
        other = cells[torch.randint(0, 5, target.shape, generator=generator)]
        noisy = torch.rand(target.shape, generator=generator) < noise
        return torch.where(noisy, other, target.roll(int(seed) % 3, 0)), target

    predictions, targets = (
        list(maps) for maps in zip(*(one() for _ in range(images)), strict=True)
    )
    errors = panoptic_errors(predictions, targets, **KINDS)
    quality = panoptic_quality(predictions, targets, **KINDS)
    assert errors.pq == pytest.approx(quality.pq, abs=1e-12, nan_ok=True)
    assert errors.things.pq == pytest.approx(quality.things.pq, abs=1e-12, nan_ok=True)
    for parts in (errors, errors.stuff, *errors.per_class.values()):
        total = sum(getattr(parts, part) for part in PARTS)
        assert total == pytest.approx(1, abs=1e-12) or math.isnan(total)
        assert all(not getattr(parts, part) < 0 for part in PARTS)


def test_the_old_way_to_a_picture_still_leads_there():
    from minseg.draw import figure

    _, ax = figure()
    with pytest.warns(DeprecationWarning, match="use draw_panoptic_errors"):
        panoptic_errors([scene()], [scene()], **KINDS).draw(ax, {1: "square"}, title="errors")
    assert ax.get_yticklabels()[1].get_text() == "square" and ax.get_title() == "errors"


@pytest.mark.parametrize(
    ("words", "prediction", "options"),
    [
        (r"predictions\[0\] has id 9000: category 9", torch.full((100, 100), 9000), {}),
        (r"predictions\[0\] and targets\[0\] must have one shape", scene()[1:], {}),
        ("dilation_ratio must be a positive", scene(), {"dilation_ratio": -1}),
    ],
)
def test_says_what_it_needs(words, prediction, options):
    with pytest.raises(ValueError, match=words):
        panoptic_errors([prediction], [scene()], **KINDS, **options)
