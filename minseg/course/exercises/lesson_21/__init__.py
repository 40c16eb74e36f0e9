"""Exercises of unit 21: cut a box into RoI pooling's bins, and read between pixels."""

from minseg.course.exercises.lesson_21.bilinear import BILINEAR
from minseg.course.exercises.lesson_21.pool_bins import POOL_BINS

EXERCISES = (POOL_BINS, BILINEAR)
