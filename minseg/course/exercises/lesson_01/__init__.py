"""Exercises of lesson 01: tight boxes, owners of pixels, a loss on sets, a function's entropy.

The lesson goes on with two of the answers, `entropy` and `set_loss`.
"""

from minseg.course.exercises.lesson_01.boxes import BOXES
from minseg.course.exercises.lesson_01.entropy import ENTROPY, entropy
from minseg.course.exercises.lesson_01.owner import OWNER
from minseg.course.exercises.lesson_01.set_loss import SET_LOSS, set_loss

__all__ = ["EXERCISES", "entropy", "set_loss"]

EXERCISES = (BOXES, OWNER, ENTROPY, SET_LOSS)
