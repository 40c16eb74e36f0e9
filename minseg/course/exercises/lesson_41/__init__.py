"""Exercises of unit 41: label the anchors, draw a mask's target."""

from minseg.course.exercises.lesson_41.anchor_targets import ANCHOR_TARGETS
from minseg.course.exercises.lesson_41.mask_targets import MASK_TARGETS

EXERCISES = (ANCHOR_TARGETS, MASK_TARGETS)
