"""Exercises of unit 15: truncated distances, Chamfer."""

from minseg.course.exercises.lesson_15.chamfer import CHAMFER
from minseg.course.exercises.lesson_15.sdf_l1 import SDF_L1

EXERCISES = (SDF_L1, CHAMFER)
