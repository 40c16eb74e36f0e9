"""Exercises of unit 42: answer at test."""

from minseg.course.exercises.lesson_42.detect import DETECT

EXERCISES = (DETECT,)
