"""Exercises of unit 45: the learning rate at a step, and the bytes held at the peak."""

from minseg.course.exercises.lesson_45.cosine import COSINE
from minseg.course.exercises.lesson_45.peak_memory import PEAK_MEMORY

EXERCISES = (COSINE, PEAK_MEMORY)
