"""Exercises of lesson 06: five Triton kernels, from adding two vectors to RoIAlign.

`report.py` says what is looked at beside the result, `patch.py` how mistakes are written. Without
Triton the exercises are listed but cannot be tried (`language.py`).
"""

from minseg.course.exercises.lesson_06.add import ADD
from minseg.course.exercises.lesson_06.bin import BIN
from minseg.course.exercises.lesson_06.gather import GATHER
from minseg.course.exercises.lesson_06.roi import ROI
from minseg.course.exercises.lesson_06.sample import SAMPLE

EXERCISES = (ADD, GATHER, SAMPLE, BIN, ROI)
