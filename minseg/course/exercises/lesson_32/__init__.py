"""The exercise of unit 32: the inner band that boundary IoU compares."""

from minseg.course.exercises.lesson_32.boundary_of import BOUNDARY_OF

EXERCISES = (BOUNDARY_OF,)
