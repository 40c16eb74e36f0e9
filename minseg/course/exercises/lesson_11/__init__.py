"""Exercises of unit 11: crop a mask to a grid by area, and repair a paste that moves masks."""

from minseg.course.exercises.lesson_11.half_cell import HALF_CELL, read_cells
from minseg.course.exercises.lesson_11.to_grid import TO_GRID

__all__ = ["EXERCISES", "read_cells"]

EXERCISES = (TO_GRID, HALF_CELL)
