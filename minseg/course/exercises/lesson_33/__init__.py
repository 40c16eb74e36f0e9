"""Exercises of unit 33: the quality of one class, and the numbers in COCO's panoptic files."""

from minseg.course.exercises.lesson_33.class_pq import CLASS_PQ
from minseg.course.exercises.lesson_33.colours import COLOURS

EXERCISES = (CLASS_PQ, COLOURS)
