"""Matrix NMS: SOLO's recorded scores, numbers by hand, the definition."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.models import matrix_nms, matrix_nms_product, soft_nms
from minseg.models.suppression import matrix_nms_loop, matrix_nms_product_loop
from minseg.models.suppression.kernel import decay_by
from minseg.models.suppression.matrix import matrix_decay


def candidates(count, classes, seed, equal=False):
    """Masks of 6 × 7, some empty, some alike; scores, of which some are equal."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(max(count // 2, 1), 6, 7, generator=generator) < 0.4
    masks = masks[torch.randint(len(masks), (count,), generator=generator)]
    masks &= torch.rand(count, 6, 7, generator=generator) < 0.9
    masks[torch.rand(count, generator=generator) < 0.1] = False
    scores = torch.rand(count, generator=generator).add(0.01)
    scores = (scores * 4).round().div(4).add(0.1) if equal else scores
    return masks, torch.randint(classes, (count,), generator=generator), scores


def intervals(*ends):
    """Masks of one row of 20 pixels, each from `first` to before `last`."""
    place = torch.arange(20)
    return torch.stack([((first <= place) & (place < last))[None] for first, last in ends])


@pytest.mark.parametrize("path", case_paths("matrix_nms"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    backwards = torch.arange(len(case["scores"])).flip(0)  # the order of the input is free
    for k, run in enumerate(meta["runs"]):
        expected = case[f"updated_{k}"].nan_to_num(0.0)  # three doubles: 0/0 in the peer, 0 here
        for order in (slice(None), backwards):
            given = [case[key][order] for key in ("masks", "labels", "scores")]
            decayed = matrix_nms(*given, kernel=run["kernel"], sigma=run["sigma"])
            torch.testing.assert_close(decayed, expected[order], rtol=0, atol=1e-5)


BOTH = [(matrix_nms, matrix_nms_loop), (matrix_nms_product, matrix_nms_product_loop)]


@pytest.mark.parametrize(("function", "definition"), BOTH)
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 7), st.integers(1, 3), st.integers(0, 999), st.booleans())
def test_equals_the_definition(function, definition, count, classes, seed, equal):
    given = candidates(count, classes, seed, equal)
    for kernel, sigma in (("gaussian", 2.0), ("gaussian", 0.5), ("linear", 2.0)):
        decayed = function(*given, kernel=kernel, sigma=sigma)
        expected = definition(*given, kernel=kernel, sigma=sigma)
        torch.testing.assert_close(decayed, expected, rtol=1e-4, atol=1e-5)


def test_a_chain():
    """A meets B, B meets C. B is half suppressed, and takes nothing more from C than A does."""
    masks, one = intervals((0, 3), (1, 4), (2, 5)), torch.ones(3).long()  # IoU ½, ½ and 1/5
    scores = torch.tensor([0.9, 0.8, 0.7])
    matrix = matrix_nms(masks, one, scores, kernel="linear")
    torch.testing.assert_close(matrix, torch.tensor([0.9, 0.4, 0.7 * 0.8]))
    product = matrix_nms_product(masks, one, scores)
    torch.testing.assert_close(product, torch.tensor([0.9, 0.4, 0.7 * 0.8 * 0.5]))


@pytest.mark.parametrize(
    ("count", "iou", "kept", "multiplied"), [(6, 0.3, 0.7, 0.7**5), (3, 0.5, 0.5, 0.25)]
)
def test_doubles_of_doubles_count_once(count, iou, kept, multiplied):
    overlap = torch.full((count, count), iou)
    assert matrix_decay(overlap, "linear")[-1].item() == pytest.approx(kept)
    assert decay_by(overlap, "linear", 2.0).triu(1)[:-1, -1].prod().item() == pytest.approx(
        multiplied
    )


def test_numbers_of_the_gaussian():
    """exp(−2 · 0.7²) = 0.375; σ² in the exponent's divisor would give 0.141 or 0.885."""
    assert decay_by(torch.tensor(0.7), "gaussian", 2.0).item() == pytest.approx(0.3753, abs=1e-4)


def test_the_best_keeps_its_score_and_none_gains():
    for seed in range(20):
        masks, labels, scores = candidates(12, 2, seed)
        for kernel in ("linear", "gaussian"):
            decayed = matrix_nms(masks, labels, scores, kernel=kernel)
            assert (decayed <= scores).all() and decayed[scores.argmax()] == scores.max()


def test_two_masks_fall_as_in_soft_nms():
    masks, labels, scores = intervals((0, 4), (1, 6)), torch.ones(2).long(), torch.rand(2)
    soft, matrix = soft_nms(masks, labels, scores), matrix_nms(masks, labels, scores)
    torch.testing.assert_close(matrix, soft)


def test_classes_do_not_meet():
    masks = intervals((0, 9), (0, 9), (0, 8))
    labels, scores = torch.tensor([1, 2, 1]), torch.tensor([0.5, 0.9, 0.4])
    for function in (matrix_nms, matrix_nms_product):
        decayed = function(masks, labels, scores, kernel="linear")
        torch.testing.assert_close(decayed, torch.tensor([0.5, 0.9, 0.4 / 9]))


def test_three_doubles_and_empty_masks_are_numbers():
    masks = torch.cat([intervals((2, 9)).repeat(3, 1, 1), torch.zeros(2, 1, 20).bool()])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5])
    decayed = matrix_nms(masks, torch.ones(5).long(), scores, kernel="linear")
    assert decayed.tolist() == pytest.approx([0.9, 0, 0, 0.6, 0.5])


def test_of_equal_scores_the_first_stays():
    masks, labels = intervals((2, 9), (2, 9)), torch.ones(2).long()
    scores = torch.tensor([0.5, 0.5])
    assert matrix_nms(masks, labels, scores, kernel="linear").tolist() == [0.5, 0.0]
    assert matrix_nms_product(masks, labels, scores).tolist() == [0.5, 0.5]


def test_a_gradient_reaches_the_scores():
    masks, labels = intervals((0, 3), (1, 4)), torch.ones(2).long()
    scores = torch.tensor([0.9, 0.8], requires_grad=True)
    matrix_nms(masks, labels, scores, kernel="linear").sum().backward()
    assert scores.grad.tolist() == [1.0, 0.5]  # the factor itself has none: masks are bits


def test_half_types_are_computed_in_float32():
    masks, labels, scores = candidates(5, 1, 0)
    for half in (torch.float16, torch.bfloat16):
        decayed = matrix_nms(masks, labels, scores.to(half))
        assert decayed.dtype == torch.float32
        assert torch.equal(decayed, matrix_nms(masks, labels, scores.to(half).float()))


@pytest.mark.parametrize("function", [matrix_nms, matrix_nms_product, soft_nms])
def test_says_what_it_needs(function):
    masks, labels, scores = candidates(3, 1, 0)
    with pytest.raises(ValueError, match=r"masks must be \(N, H, W\), got \(6, 7\)"):
        function(masks[0], labels, scores)
    with pytest.raises(ValueError, match=r"labels must be \(3,\), one for each mask, got \(2,\)"):
        function(masks, labels[:2], scores)
    with pytest.raises(ValueError, match=r"scores must be \(3,\)"):
        function(masks, labels, scores[:, None])
    with pytest.raises(ValueError, match="scores must be numbers, got 1 NaN"):
        function(masks, labels, torch.tensor([0.1, torch.nan, 0.2]))
    with pytest.raises(TypeError, match=r"masks > 0\.5"):
        function(masks.float(), labels, scores)
    with pytest.raises(TypeError, match=r"scores must be floating point, got torch\.int64"):
        function(masks, labels, labels)
    with pytest.raises(ValueError, match="kernel must be 'gaussian' or 'linear', got 'cubic'"):
        function(masks, labels, scores, kernel="cubic")
    with pytest.raises(ValueError, match="sigma must be above 0, got 0"):
        function(masks, labels, scores, sigma=0)
