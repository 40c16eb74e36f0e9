"""Exercises of lesson 09: two ways to weigh losses, and two ways to choose what trains."""

from minseg.course.exercises.lesson_09.balance import BALANCE
from minseg.course.exercises.lesson_09.ohem import OHEM
from minseg.course.exercises.lesson_09.sample import SAMPLE
from minseg.course.exercises.lesson_09.uncertainty import UNCERTAINTY

EXERCISES = (UNCERTAINTY, BALANCE, SAMPLE, OHEM)
