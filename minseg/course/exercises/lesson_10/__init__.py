"""Exercises of unit 10: tight boxes, owners of pixels, a loss on sets, a function's entropy."""

from minseg.course.exercises.lesson_10.boxes import BOXES
from minseg.course.exercises.lesson_10.entropy import ENTROPY, entropy
from minseg.course.exercises.lesson_10.owner import OWNER
from minseg.course.exercises.lesson_10.set_loss import SET_LOSS, set_loss

__all__ = ["EXERCISES", "entropy", "set_loss"]

EXERCISES = (BOXES, OWNER, SET_LOSS, ENTROPY)
