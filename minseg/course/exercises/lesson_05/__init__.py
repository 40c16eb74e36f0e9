"""Exercises of lesson 05: read between pixels, cut a box both ways, and put RoIAlign together."""

from minseg.course.exercises.lesson_05.bilinear import BILINEAR
from minseg.course.exercises.lesson_05.pool_bins import POOL_BINS
from minseg.course.exercises.lesson_05.roi_align import ROI_ALIGN
from minseg.course.exercises.lesson_05.sample_positions import SAMPLE_POSITIONS

EXERCISES = (BILINEAR, POOL_BINS, SAMPLE_POSITIONS, ROI_ALIGN)
