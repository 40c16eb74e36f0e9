"""Exercises of unit 34: what void forgives, and how to average."""

from minseg.course.exercises.lesson_34.average import AVERAGE
from minseg.course.exercises.lesson_34.forgiven import FORGIVEN

EXERCISES = (FORGIVEN, AVERAGE)
