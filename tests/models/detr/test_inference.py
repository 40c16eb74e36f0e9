"""Answers of queries as instances and as maps, made by hand."""

import pytest
import torch

from minseg.models.detr import instances_of, panoptic_map

THINGS, STUFF = [1, 2], [7, 8]
IDS = [*THINGS, *STUFF]
NOTHING = 4  # the channel of "no object"


def says(*channels, sure=9.0):
    """(Q, 5) logits: each query its channel, and how sure it is."""
    logits = torch.zeros(len(channels), 5)
    for row, channel in zip(logits, channels, strict=True):
        row[channel] = sure
    return logits


def row(*pixels):
    """A mask of one row of pixels, for each query its probabilities."""
    return torch.tensor(pixels)[:, None]


def test_instances_best_first_without_those_that_say_nothing():
    logits = says(0, NOTHING, 1, 0)
    logits[2] *= 2
    masks = row([0.9, 0.1, 0.1], [0.9] * 3, [0.1, 0.5, 0.6], [0.4] * 3)
    found = instances_of(logits, masks, IDS)
    assert found.labels.tolist() == [2, 1]  # the last has no pixel above a half
    assert found.masks[:, 0].tolist() == [[False, False, True], [True, False, False]]
    assert found.scores[0] > found.scores[1] > 0.99
    assert len(instances_of(logits, masks, IDS, most=1)) == 1


def test_a_query_that_leans_to_nothing_still_has_a_best_class():
    """As in the paper's evaluation: "no object" has no say about which class it would be."""
    logits = torch.tensor([[0.0, 1.0, 0.0, 0.0, 3.0]])
    found = instances_of(logits, row([0.9]), IDS)
    p = logits.softmax(dim=1)[0, 1]
    assert found.labels.tolist() == [2] and found.scores[0] == p
    assert len(instances_of(logits, row([0.9]), IDS, score_threshold=p.item() + 1e-3)) == 0


def of(logits, masks, **options):
    return panoptic_map(logits, masks, IDS, stuff=STUFF, **{"small": 0, **options})[0].tolist()


def test_each_pixel_goes_to_one_query():
    masks = row([0.6, 0.6, 0.1, 0.1], [0.5, 0.7, 0.2, 0.1], [0.0, 0.0, 0.1, 0.3])
    assert of(says(0, 0, 3), masks) == [1001, 1002, 1002, 8000]


def test_who_is_not_sure_has_no_say():
    masks = row([0.9, 0.9], [0.8, 0.1], [0.1, 0.2])
    logits = says(0, 2, NOTHING)
    logits[0] = torch.tensor([2.0, 0, 0, 0, 0])  # p = 0.65
    assert of(logits, masks) == [7000, 7000]
    assert of(says(NOTHING, NOTHING), masks[:2]) == [0, 0]
    assert of(logits, masks, sure=0.6) == [1001, 1001]


def test_small_segments_go_and_others_take_their_pixels():
    masks = row([0.9, 0.1, 0.1, 0.1, 0.1, 0.1], [0.2] * 6, [0.1, 0.1, 0.1, 0.1, 0.9, 0.9])
    assert of(says(0, 2, 1), masks, small=1) == [7000] * 4 + [2001] * 2
    assert of(says(0, 2, 1), masks, small=2) == [7000] * 6
    assert of(says(0, 2, 1), masks, small=6) == [0] * 6


# Two queries for the sky, 7; a disc in front that says a little more than nothing everywhere.
TWICE = row(
    [0.9, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.8, 0.8, 0.8, 0.8, 0.0, 0.0, 0.0],
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9],
)


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0]])
def test_two_pieces_of_stuff_are_one_segment(order):
    expected = [7000] * 9 + [1001] * 3
    logits = says(*[[2, 2, 0][k] for k in order])
    assert of(logits, TWICE[order], small=2) == expected
    small = of(logits, TWICE[order], small=4)  # now the disc goes, and the sky has all
    assert small == [7000] * 12


def test_the_published_code_gives_pixels_of_stuff_to_a_thing():
    """The second piece is merged, has no pixel of its own, goes, and what it had is dealt again."""
    logits = says(2, 2, 0)
    assert of(logits, TWICE, small=2, remerge=True) == [7000] * 5 + [1001] * 7
    alone = says(2, 3, 0)  # pieces of two classes: nothing is merged, nothing moves
    assert of(alone, TWICE, small=2, remerge=True) == of(alone, TWICE, small=2)


def test_a_segment_is_judged_by_all_of_its_pieces():
    """Neither piece of the sky has more than four pixels; together they have eight."""
    masks = row([0.9] * 4 + [0.0] * 12, [0.0] * 4 + [0.9] * 4 + [0.0] * 8, [0.1] * 8 + [0.9] * 8)
    assert of(says(2, 2, 0), masks, small=4) == [7000] * 8 + [1001] * 8


def test_things_are_counted_where_they_are_seen():
    masks = row([0.9, 0.1, 0.1], [0.5, 0.5, 0.5], [0.1, 0.9, 0.1], [0.4, 0.4, 0.6])
    assert of(says(1, 0, 1, 2), masks) == [2001, 2002, 7000]  # the disc behind is nowhere
