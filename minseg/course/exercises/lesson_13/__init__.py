"""Exercise of unit 13: measure distances."""

from minseg.course.exercises.lesson_13.signed_distance import SIGNED_DISTANCE

EXERCISES = (SIGNED_DISTANCE,)
