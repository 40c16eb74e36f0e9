"""Exercises of unit 44: draw a batch at random, and pick the hardest."""

from minseg.course.exercises.lesson_44.ohem import OHEM
from minseg.course.exercises.lesson_44.sample import SAMPLE

EXERCISES = (SAMPLE, OHEM)
