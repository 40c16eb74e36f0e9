"""Exercises of lesson 07: match, read the curve, draw the band, and find what betrays a bug."""

from minseg.course.exercises.lesson_07.boundary_of import BOUNDARY_OF
from minseg.course.exercises.lesson_07.match import MATCH
from minseg.course.exercises.lesson_07.precision_at import PRECISION_AT
from minseg.course.exercises.lesson_07.witness import WITNESS

EXERCISES = (MATCH, PRECISION_AT, BOUNDARY_OF, WITNESS)
