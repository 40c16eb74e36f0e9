"""Exercises of unit 24: one bin, and the whole of RoIAlign, as Triton kernels.

They are looked at and patched as those of unit 23: see `report.py` and `patch.py` there.
"""

from minseg.course.exercises.lesson_24.bin import BIN
from minseg.course.exercises.lesson_24.roi import ROI

EXERCISES = (BIN, ROI)
