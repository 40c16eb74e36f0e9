"""Exercises of lesson 13: a class's quality, and three exhibits of the bug museum to mend.

An exhibit is a mistake that was really made, rebuilt in this project's own code. The lesson hands
it out as it was found; here it stands among the named mistakes, so that `check` knows it.
"""

from minseg.course.exercises.lesson_13.average import AVERAGE
from minseg.course.exercises.lesson_13.class_pq import CLASS_PQ
from minseg.course.exercises.lesson_13.colours import COLOURS
from minseg.course.exercises.lesson_13.forgiven import FORGIVEN

EXERCISES = (CLASS_PQ, FORGIVEN, AVERAGE, COLOURS)
