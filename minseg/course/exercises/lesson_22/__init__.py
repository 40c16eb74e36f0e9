"""Exercises of unit 22: where RoIAlign samples a bin, and the whole operator."""

from minseg.course.exercises.lesson_22.roi_align import ROI_ALIGN
from minseg.course.exercises.lesson_22.sample_positions import SAMPLE_POSITIONS

EXERCISES = (SAMPLE_POSITIONS, ROI_ALIGN)
