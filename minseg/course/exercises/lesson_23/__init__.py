"""Exercises of unit 23: three Triton kernels, from adding two vectors to reading between pixels.

`report.py` says what is looked at beside the result, `patch.py` how mistakes are written. Without
Triton the exercises are listed but cannot be tried (`language.py`).
"""

from minseg.course.exercises.lesson_23.add import ADD
from minseg.course.exercises.lesson_23.gather import GATHER
from minseg.course.exercises.lesson_23.sample import SAMPLE

EXERCISES = (ADD, GATHER, SAMPLE)
