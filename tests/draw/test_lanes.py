"""Lanes and addresses of a trace, drawn: who touches what, and which lanes are masked."""

import torch

from minseg.draw.lanes import draw_lanes
from minseg.draw.texts import text_faults
from minseg.kernel_trace import Access, Trace


def trace_of(*blocks):
    """Programs that load these elements of five; -1 stands for a masked lane, beyond the end."""
    trace = Trace({"x": 5})
    for number, block in enumerate(blocks):
        element = torch.tensor(block)
        trace.accesses.append(Access((number, 0, 0), "load", "x", element, element < 5))
    return trace


def test_memory_and_each_lane_have_a_place():
    fig = draw_lanes(trace_of([0, 1, 2, 3], [4, 5, 6, 7]), "x", title="two programs")
    (ax,) = fig.axes
    written = [text.get_text() for text in ax.texts]
    assert written == ["0", "1", "2", "3", "4", *"0123", *"0123"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "program 0", "program 1"]
    dotted = [patch for patch in ax.patches if patch.get_linestyle() == ":"]
    assert [patch.get_x() for patch in dotted] == [5, 6, 7]
    assert ax.get_xlim()[1] > 8  # lanes beyond the tensor are in sight
    assert text_faults(fig) == []


def test_other_kinds_and_tensors_are_left_out():
    trace = trace_of([0, 1])
    trace.accesses.append(Access((0, 0, 0), "store", "x", torch.tensor([4]), torch.tensor([True])))
    fig = draw_lanes(trace, "x", "store", sector=2)
    lanes = [patch for patch in fig.axes[0].patches if patch.get_y() > 0]
    assert [patch.get_x() for patch in lanes] == [4]
