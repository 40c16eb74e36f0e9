"""Exercises of unit 40: say how to move a box."""

from minseg.course.exercises.lesson_40.encode import ENCODE

EXERCISES = (ENCODE,)
