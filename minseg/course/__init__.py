"""The machinery of a lesson: exercises, predictions, claims, sources, progress, and a check-up."""

from minseg.course.check import check
from minseg.course.claims import claim, ledger
from minseg.course.doctor import doctor
from minseg.course.exercises import hint, solution
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
