"""Exercise 34.forgiven: mend an exhibit that compares with all void.

To write: f(pixels, p_category, t_category, crowd, unmatched), a (P, T) table of shared pixels, to
(P,) bool: which unmatched predictions are false positives. The unit hands out a mistake that was
really made; here it is the first of the mistakes, so that `check` knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def false_positives(
    pixels: Tensor, p_category: Tensor, t_category: Tensor, crowd: Tensor, unmatched: Tensor
) -> Tensor:
    """(P,) bool: unmatched predictions that count as false positives.

    One is forgiven if more than half of its pixels lie on void and on crowds of its category.
    """
    same = p_category[:, None] == t_category
    forgiving = (t_category == 0) | (crowd & same)  # (P, T)
    return unmatched & ~(2 * (pixels * forgiving).sum(dim=1) > pixels.sum(dim=1))


def tables_of_pixels(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Void in one piece and in two, exactly half, crowds of this and another class, no crowd."""
    category, none = torch.tensor([1, 1, 2, 6]), torch.zeros(4, dtype=torch.bool)
    void = torch.tensor([0, 0, 1, 6])  # two objects of void, a disc, sky
    pixels = torch.tensor([[30, 0, 10, 0], [0, 25, 0, 15], [0, 0, 12, 8], [4, 4, 0, 90]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])
    pixels = torch.tensor([[10, 10, 0, 18], [20, 0, 0, 20], [6, 4, 0, 0], [0, 0, 0, 50]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])
    pixels = torch.tensor([[30, 0, 10, 0], [0, 0, 30, 10], [0, 0, 0, 40], [2, 0, 0, 60]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])  # one on void
    crowds, which = torch.tensor([0, 1, 2, 6]), torch.tensor([False, True, True, False])
    pixels = torch.tensor([[0, 30, 0, 10], [0, 0, 30, 10], [8, 0, 8, 10], [0, 9, 0, 70]])
    yield pixels, category, crowds, which, torch.tensor([True, True, True, False])
    yield pixels, category, crowds, none, torch.tensor([True, True, True, False])
    many = torch.randint(0, 30, (9, 7), generator=generator)
    many = many * (torch.rand(9, 7, generator=generator) > 0.5)
    many[:, 6] += 1
    targets, some = torch.tensor([0, 0, 1, 1, 2, 6, 6]), torch.tensor([0, 0, 1, 0, 1, 0, 0]).bool()
    yield many, torch.arange(9) % 2 + 1, targets, some, torch.arange(9) % 3 > 0
    yield torch.zeros(0, 4, dtype=torch.long), torch.zeros(0), void, none, torch.zeros(0).bool()


def _forgiving(
    forgive: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor], *, all_rows: bool = False
) -> Callable[..., Tensor]:
    """A solution that forgives by `forgive(pixels, void (T,), crowd (T,), same (P, T))`."""

    def false_positives_with_a_mistake(
        pixels: Tensor, p_category: Tensor, t_category: Tensor, crowd: Tensor, unmatched: Tensor
    ) -> Tensor:
        same = p_category[:, None] == t_category
        wrong = ~forgive(pixels, t_category == 0, crowd, same)
        return wrong if all_rows else unmatched & wrong

    return false_positives_with_a_mistake


def _share(pixels: Tensor, where: Tensor) -> Tensor:
    return (pixels * where).sum(dim=1) / pixels.sum(dim=1)


def compares_with_all_void(
    pixels: Tensor, p_category: Tensor, t_category: Tensor, crowd: Tensor, unmatched: Tensor
) -> Tensor:
    """The exhibit."""
    same = p_category[:, None] == t_category
    forgiving = (t_category == 0) | (crowd & same)
    shared = (pixels * forgiving).sum(dim=1)
    union = pixels.sum(dim=1) + (pixels * forgiving).sum() - shared
    return unmatched & ~(shared / union > 0.5)


FORGIVEN = Exercise(
    "34.forgiven",
    reference=false_positives,
    cases=tables_of_pixels,
    hints=(
        "Take case 1. Prediction 0 has 40 pixels, 30 of them on void. What does the exhibit "
        "divide those 30 by?",
        "The rule asks for a share of the prediction: forgiven pixels over its own pixels. An "
        "IoU asks something else.",
        "It ends in unmatched & ~(2 * shared > pixels.sum(dim=1)), and needs no union.",
    ),
    mistakes={
        "compares_with_all_void": (
            compares_with_all_void,
            "This is the mistake of the exhibit. One prediction that lies on void "
            "is forgiven; add a second one elsewhere on void, and neither is.",
        ),
        "object_by_object": (
            _forgiving(
                lambda n, void, crowd, same: (
                    (n * (void | (crowd & same))).amax(dim=1) * 2 > n.sum(dim=1)
                )
            ),
            "You ask of each piece of void on its own. All void and all crowds of the category "
            "count together.",
        ),
        "forgives_at_half": (
            _forgiving(lambda n, void, crowd, same: _share(n, void | (crowd & same)) >= 0.5),
            "At exactly one half you forgive. The rule is: more than half.",
        ),
        "forgets_crowds": (
            _forgiving(lambda n, void, crowd, same: _share(n, void.expand_as(n)) > 0.5),
            "A prediction within a crowd of its own category is to be forgiven as well.",
        ),
        "forgives_any_crowd": (
            _forgiving(lambda n, void, crowd, same: _share(n, (void | crowd).expand_as(n)) > 0.5),
            "A crowd forgives its own category only: a box drawn into a crowd of discs is wrong.",
        ),
        "forgets_void": (
            _forgiving(lambda n, void, crowd, same: _share(n, crowd & same) > 0.5),
            "Void forgives nothing in your version.",
        ),
        "judges_matched_ones": (
            _forgiving(
                lambda n, void, crowd, same: _share(n, void | (crowd & same)) > 0.5, all_rows=True
            ),
            "You also condemn predictions that have a match. Keep `unmatched &`.",
        ),
    },
)
