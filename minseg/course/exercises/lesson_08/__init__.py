"""Exercises of lesson 08: move boxes, label anchors, draw a mask's target, and answer at test."""

from minseg.course.exercises.lesson_08.anchor_targets import ANCHOR_TARGETS
from minseg.course.exercises.lesson_08.detect import DETECT
from minseg.course.exercises.lesson_08.encode import ENCODE
from minseg.course.exercises.lesson_08.mask_targets import MASK_TARGETS

EXERCISES = (ENCODE, ANCHOR_TARGETS, MASK_TARGETS, DETECT)
