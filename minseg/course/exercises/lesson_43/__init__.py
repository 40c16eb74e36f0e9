"""Exercises of unit 43: weights from uncertainty, and weights from gradients."""

from minseg.course.exercises.lesson_43.balance import BALANCE
from minseg.course.exercises.lesson_43.uncertainty import UNCERTAINTY

EXERCISES = (UNCERTAINTY, BALANCE)
