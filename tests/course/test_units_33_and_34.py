"""The answer keys of units 33 and 34 say what the package's metrics say."""

import pytest
import torch

from minseg.course.exercises.lesson_33.class_pq import class_pq
from minseg.course.exercises.lesson_34.average import average_quality
from minseg.course.exercises.lesson_34.forgiven import false_positives
from minseg.metrics import panoptic_quality
from minseg.metrics.pq_matching import Categories, match_segments

THINGS, STUFF = [1, 2], [6]


@pytest.fixture(params=range(20))
def maps(request):
    """A prediction and a truth with void and crowds; the prediction is a jolted truth."""
    generator = torch.Generator().manual_seed(request.param)
    kinds = torch.tensor([0, 0, 1001, 1002, 1003, 2001, 2002, 6000])
    centres = 30 * torch.rand(8, 2, generator=generator)
    grid = torch.cartesian_prod(torch.arange(30.0), torch.arange(30.0))
    jolted = centres + 5 * torch.randn(8, 2, generator=generator)
    truth, other = (
        kinds[torch.cdist(grid, c).argmin(dim=1)].view(30, 30) for c in (centres, jolted)
    )
    return torch.where(other == 0, 1009, other), truth


def test_keys_agree_with_panoptic_quality(maps):
    quality = panoptic_quality([maps[0]], [maps[1]], things=THINGS, stuff=STUFF)
    matching = match_segments(*maps, Categories(THINGS, STUFF, 1000))
    for category, one in quality.per_class.items():
        same = (matching.pairs // 1000 == category).all(axis=1)
        ious = torch.from_numpy(matching.pair_iou[same])
        got = class_pq(ious, one.tp + one.fp, one.tp + one.fn)
        assert got == pytest.approx((one.pq, one.sq, one.rq))
    rows = [[one.sq * one.tp, one.tp, one.fp, one.fn] for one in quality.per_class.values()]
    averages = average_quality(torch.tensor(rows, dtype=torch.float64))
    assert averages == pytest.approx((quality.pq, quality.sq, quality.rq))


def test_false_positives_are_the_invented_ones(maps):
    prediction, truth = maps
    crowd = [i for i in (1001, 2001) if (truth == i).any()]
    matching = match_segments(prediction, truth, Categories(THINGS, STUFF, 1000), crowd)
    p_ids, t_ids = prediction[prediction > 0].unique(), truth.unique()
    pixels = torch.stack(
        [torch.stack([((prediction == p) & (truth == t)).sum() for t in t_ids]) for p in p_ids]
    )
    unmatched = ~torch.isin(p_ids, torch.from_numpy(matching.matched[:, 0]))
    is_crowd = torch.isin(t_ids, torch.tensor(crowd))
    wrong = false_positives(pixels, p_ids // 1000, t_ids // 1000, is_crowd, unmatched)
    assert p_ids[wrong].tolist() == matching.invented.tolist()
