"""What a unit is made of: predictions, exercises, sources, progress, a check-up.

Read `predictions` first: a number is guessed, then revealed. Then the exercises:

    exercise     what an exercise is: reference, cases, hints, mistakes
    exercises/   the exercises, a file each: begin with exercises/lesson_21/bilinear.py
    catalogue    find one by its id; its hints and its solution
    check        judge a learner's function
    attempt      run it, whatever it may do: raise, exit, never return
    compare      whether two results are the same, and where they first differ

and what else a lesson calls: `claims` (the lecture notes, measured), `recorded` (figures of runs
that are too long for a lesson), `source` (show the package's own code), `steps` (how long a lesson
trains), `progress`, `doctor`. All of them speak through `display`; `state` keeps what a learner has
done, `entries` says what may stand in its file, and `renumbered` what the earlier course called
things.
"""

from minseg.course.catalogue import hint, solution
from minseg.course.check import check
from minseg.course.claims import claim, ledger
from minseg.course.doctor import doctor
from minseg.course.predictions import guess, reveal
from minseg.course.progress import progress
from minseg.course.source import show_source
from minseg.course.steps import lesson_steps

__all__ = [
    "check",
    "claim",
    "doctor",
    "guess",
    "hint",
    "ledger",
    "lesson_steps",
    "progress",
    "reveal",
    "show_source",
    "solution",
]
