"""Marks of a push stand where it is strong, and say which way."""

import torch

from minseg.draw.losses import BLOCK, block_marks
from minseg.experiments.loss_pair import HEIGHT, WIDTH, MaskTruth, Prediction, disc, push

TRUTH = MaskTruth.of(disc(28, 24, 12) > 0)


def test_marks_agree_with_the_pixel_they_stand_on() -> None:
    field = push("Dice, squared", Prediction(disc(33, 22, 9), disc(33, 22, 9)), TRUTH)
    marks = block_marks(field)
    for x, y, sign in marks:
        assert (field[int(y), int(x)] > 0) == (sign == "+")
    assert {sign for _, _, sign in marks} == {"+", "−"}
    lone = torch.zeros(HEIGHT, WIDTH)
    lone[17, 6], lone[40, 40] = -1.0, 0.05  # one pixel is enough; a faint one is not marked
    assert block_marks(lone) == [(6.5, 17.5, "−")]
    even = block_marks(torch.ones(HEIGHT, WIDTH))
    assert len(even) == HEIGHT * WIDTH // BLOCK**2
    assert {x % BLOCK for x, _, _ in even} == {1.5}
