"""The exercise of unit 31: find the inputs that betray the exhibits of a bug museum."""

from minseg.course.exercises.lesson_31.witness import WITNESS

EXERCISES = (WITNESS,)
