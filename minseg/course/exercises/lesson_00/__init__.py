"""The exercise of lesson 00, which is there to try how exercises work: the area of a box."""

from minseg.course.exercises.lesson_00.area import AREA

EXERCISES = (AREA,)
