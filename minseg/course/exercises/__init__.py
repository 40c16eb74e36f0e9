"""The exercises of the units, a file each: "21.bilinear" is `lesson_21/bilinear.py`.

Read `lesson_21/bilinear.py` first. Every file has the same parts, in this order:

    docstring    the task as the learner gets it, and the answer's name
    reference    the answer, where it is not a function of the package
    cases        inputs that tell right from nearly right
    probe        what is compared, where that is more than the returned value
    mistakes     wrong functions that a learner could well write
    Exercise     all of it together, with the hints and the tutor's sentences

To add one, write `lesson_NN/<name>.py` and list it in `EXERCISES` of `lesson_NN/__init__.py`, in
the order in which `progress` shows them. `audit` says what is wrong with an exercise.
"""

from minseg.course.catalogue import exercises_of, find, hint, lessons_with_exercises, solution
from minseg.course.check import audit, check
from minseg.course.exercise import Exercise

__all__ = [
    "Exercise",
    "audit",
    "check",
    "exercises_of",
    "find",
    "hint",
    "lessons_with_exercises",
    "solution",
]
