"""Which lane of which program touches which address: a trace of a kernel, drawn.

Memory is a row of cells, one for each number of a tensor. Below it stands a row for each program,
and in it each of its lanes under the cell that it touches, with the lane's number. A lane that the
mask holds back is drawn empty. Units 23 and 24 draw every kernel like this.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from minseg.draw.figure import EXACT_COLOUR, INSTANCE_COLOURS, figure
from minseg.kernel_trace import Trace

ROW = 34  # pixels
FEW = 32  # cells that can carry numbers of two digits


def draw_lanes(
    trace: Trace, argument: str, kind: str = "load", *, title: str = "", sector: int = 0
) -> Figure:
    """One tensor of a trace: its memory, and below it who touched what.

    Args:
        trace: of `minseg.kernel_trace.launch`.
        argument: the tensor's name in the kernel.
        kind: "load", "store" or "add".
        title: what to see.
        sector: numbers in a sector, marked in the memory; 0 for no marks.
    """
    programs = sorted({access.program for access in trace.accesses})
    fig, ax = figure(height=ROW * (len(programs) + 1) + 70)
    draw_memory(ax, trace.sizes[argument], sector)
    last = trace.sizes[argument]
    for row, program in enumerate(programs, start=1):
        for access in trace.accesses:
            if (access.program, access.argument, access.kind) != (program, argument, kind):
                continue
            lanes = zip(access.element.flatten().tolist(), access.active.flatten(), strict=True)
            for lane, (element, active) in enumerate(lanes):
                _draw_lane(ax, row, element, lane, bool(active))
                last = max(last, element + 1)
    names = [" ".join(str(i) for i in program[:1]) for program in programs]
    ax.set_yticks(range(len(names) + 1), [argument, *(f"program {name}" for name in names)])
    ax.set(xlim=(-0.3, last + 0.3), ylim=(len(names) + 0.6, -0.6), xticks=[], title=title)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig


def draw_memory(ax: Axes, size: int, sector: int = 0) -> None:
    """A row of cells, numbered where there is room; sectors alternate in shade."""
    for cell in range(size):
        shade = "#dddddd" if sector and cell // sector % 2 else "white"
        ax.add_patch(Rectangle((cell, -0.4), 1, 0.8, fc=shade, ec="#888888", lw=0.7))
        if size <= FEW:
            ax.text(cell + 0.5, 0, str(cell), ha="center", va="center", color="#555555")
    for begin in range(0, size, sector or size):
        ax.plot([begin, begin], [-0.5, 0.5], color=EXACT_COLOUR, lw=1.5)


def _draw_lane(ax: Axes, row: int, element: int, lane: int, active: bool) -> None:
    colour = INSTANCE_COLOURS[(row - 1) % len(INSTANCE_COLOURS)]
    place = Rectangle((element, row - 0.35), 1, 0.7, lw=0.7, fc=colour, ec="black")
    if not active:
        place.set(fc="none", ec="#888888", ls=":")
    ax.add_patch(place)
    ink = "black" if active else "#888888"
    ax.text(element + 0.5, row, str(lane), ha="center", va="center", color=ink)
