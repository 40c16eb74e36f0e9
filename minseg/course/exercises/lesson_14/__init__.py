"""Exercises of unit 14: the gradients of BCE and of Dice, by hand."""

from minseg.course.exercises.lesson_14.bce_gradient import BCE_GRADIENT
from minseg.course.exercises.lesson_14.dice_gradient import DICE_GRADIENT

EXERCISES = (BCE_GRADIENT, DICE_GRADIENT)
