"""Exercises of unit 30: match detections to truths, and read the envelope of the curve."""

from minseg.course.exercises.lesson_30.match import MATCH
from minseg.course.exercises.lesson_30.precision_at import PRECISION_AT

EXERCISES = (MATCH, PRECISION_AT)
