"""Exercises of lesson 02: crop by area, fill a polygon, turn circles, measure distances."""

from minseg.course.exercises.lesson_02.from_fourier import FROM_FOURIER
from minseg.course.exercises.lesson_02.from_polygons import FROM_POLYGONS
from minseg.course.exercises.lesson_02.signed_distance import SIGNED_DISTANCE
from minseg.course.exercises.lesson_02.to_grid import TO_GRID

EXERCISES = (TO_GRID, FROM_POLYGONS, FROM_FOURIER, SIGNED_DISTANCE)
