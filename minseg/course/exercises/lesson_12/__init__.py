"""Exercises of unit 12: fill a polygon, turn circles."""

from minseg.course.exercises.lesson_12.from_fourier import FROM_FOURIER
from minseg.course.exercises.lesson_12.from_polygons import FROM_POLYGONS

EXERCISES = (FROM_POLYGONS, FROM_FOURIER)
