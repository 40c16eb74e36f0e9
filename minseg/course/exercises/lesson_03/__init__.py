"""Exercises of lesson 03: BCE's gradient, Dice in both forms, truncated distances, Chamfer."""

from minseg.course.exercises.lesson_03.bce_gradient import BCE_GRADIENT
from minseg.course.exercises.lesson_03.chamfer import CHAMFER
from minseg.course.exercises.lesson_03.dice import DICE
from minseg.course.exercises.lesson_03.sdf_l1 import SDF_L1

EXERCISES = (BCE_GRADIENT, DICE, SDF_L1, CHAMFER)
