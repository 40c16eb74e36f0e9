"""Peeled things: the metrics begin at 1 and fall; five mistakes are one of each kind."""

from minseg.data import STUFF, THINGS
from minseg.experiments.five_mistakes import five_mistakes
from minseg.experiments.peeled import metrics_of_peeled
from minseg.metrics import panoptic_errors


def test_metrics_begin_at_one_and_fall():
    truth, _ = five_mistakes()
    curves = metrics_of_peeled(truth, steps=2)
    assert set(curves) == {"AP of masks", "mean boundary IoU", "PQ of things"}
    for values in curves.values():
        assert values[0] == 1 and len(values) == 3
        assert values == sorted(values, reverse=True) and values[2] < 0.9


def test_each_of_the_five_mistakes_has_a_cause_of_its_own():
    truth, prediction = five_mistakes()
    errors = panoptic_errors([prediction], [truth], things=THINGS, stuff=STUFF)
    disc, triangle, box = (errors.per_class[c] for c in (1, 3, 2))
    assert disc.boundary_only > 0 and disc.missed > 0 and disc.invented > 0
    assert triangle.poor_mask > 0 and box.confused_class > 0
