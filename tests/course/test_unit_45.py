"""Answers of unit 45's exercises against the package, which they do not call."""

import torch
from torch import nn

from minseg.course.exercises.lesson_45.cosine import cosine, steps_of_runs
from minseg.course.exercises.lesson_45.peak_memory import peak_memory
from minseg.experiments.activation_memory import peak
from minseg.train.schedule import Schedule


def test_cosine_is_the_schedule():
    for step, steps, warm_up, highest in steps_of_runs(torch.Generator().manual_seed(0)):
        expected = highest * Schedule(steps, warm_up).rate(step)
        assert cosine(step, steps, warm_up, highest) == expected


def test_peak_memory_is_what_tensors_take():
    x = torch.zeros(1024, 256)  # 1 MiB, as each output is
    for blocks, kept in (
        (nn.Sequential(*(nn.Tanh() for _ in range(8))), 1),
        (nn.Sequential(*(nn.Sequential(nn.Linear(256, 256), nn.Tanh()) for _ in range(8))), 1),
    ):
        x.requires_grad_(True)
        for segments in (1, 2, 4, 8):
            lengths = [8 // segments] * segments
            # A tanh keeps its output; the last one's is not the input of another.
            by_hand = peak_memory([kept] * 8, [1] * 8, lengths)
            assert 0 <= peak(blocks, x, segments) - by_hand <= 1
