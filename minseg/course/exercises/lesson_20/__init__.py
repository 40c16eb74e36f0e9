"""Exercises of unit 20: rounding, its bias and its spread, and what a shift costs in IoU."""

from minseg.course.exercises.lesson_20.bias_and_spread import BIAS_AND_SPREAD
from minseg.course.exercises.lesson_20.fpn_level import FPN_LEVEL
from minseg.course.exercises.lesson_20.round_half_away import ROUND_HALF_AWAY
from minseg.course.exercises.lesson_20.shifted_iou import SHIFTED_IOU

EXERCISES = (ROUND_HALF_AWAY, BIAS_AND_SPREAD, SHIFTED_IOU, FPN_LEVEL)
