"""How quickly widgets follow the mouse: from pointer move to drawn picture.

A real Chromium shows each widget in JupyterLab. First one move at a time: the mouse moves, Python
answers, the picture is drawn; measured in the page from the pointer event to the first task after
the frame in which the answer was drawn and painted. A move that changes nothing is left out. Then a
drag at 60 moves a second, as a hand's: pictures drawn each second.

    python benchmarks/widget_latency.py [--only RoIExplorer] [--write]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import nbformat  # after the path is set
from helpers.lab import CHROMIUM_FLAGS, IDLE, READY, RUN, Lab, find_chromium
from playwright.async_api import Page, async_playwright

from benchmarks.machine import describe, write_result

Reach = tuple[float, float]

MOVES, DRAG_SECONDS = 220, 8
WIDGETS: dict[
    str, tuple[str, str, Reach]
] = {  # the widget's root in the page, what is grabbed in it, how far to move it, CSS pixels
    "RoIExplorer": (".minseg-roi", ".box", (60, 30)),
    "MaskPainter": (".minseg-painter", ".paint svg", (60, 30)),
    "RepresentationSweep": (".minseg-sweep", "input[type=range]", (60, 0)),
    "SplineEditor": (".minseg-spline", ".control", (60, 30)),
    "LossBoard": (".minseg-losses", ".ring", (60, 30)),
    "StageViewer": (".minseg-stages", ".chosen .box", (60, 30)),
    "Segmenter": (".minseg-segmenter", ".scores svg", (120, 0)),
    "BalanceBoard": (".minseg-balance", ".handle", (40, 0)),
    "GridBoard": (".minseg-grid", "g[data-shape='1'] .shape", (40, 20)),
    "SuppressionBoard": (".minseg-suppression", "g[data-shape='4'] .shape", (40, 20)),
    "MatchingBoard": (".minseg-matching", "g[data-shape='5'] .shape", (40, 20)),
    "KernelBoard": (".minseg-kernels", ".map", (120, 120)),
}
CALLS = {
    "StageViewer": 'StageViewer(stage="masks")',  # where there is something to drag
    "KernelBoard": "from minseg.models import SOLOv2\nKernelBoard(SOLOv2())",  # its speed is alike
}
WATCH = """selector => {
  window.times = { moved: 0, moves: [], drawn: [] };
  document.addEventListener('pointermove', () => {
    times.moved = performance.now(); times.moves.push(times.moved);
  }, { capture: true });
  const root = document.querySelector(selector);
  const painted = new MessageChannel();  // drawing happens in a frame: this runs after its paint
  painted.port1.onmessage = () => times.drawn.push(performance.now());
  new MutationObserver(() => painted.port2.postMessage(0))
    .observe(root, { attributes: true, attributeFilter: ['data-drawn'] });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=WIDGETS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": describe()}  # its load is the one before the measurement
    for name in [arguments.only] if arguments.only else WIDGETS:
        result[name] = asyncio.run(measure(name))
        print(name, result[name])
    if arguments.write:
        write_result("widget_latency", result)


async def measure(name: str) -> dict[str, float]:
    """Open a notebook with one widget alone, and drag."""
    with tempfile.TemporaryDirectory() as lessons, tempfile.TemporaryDirectory() as work:
        source = f"from minseg.explore import {name}\n{CALLS.get(name, f'{name}()')}"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, Path(lessons) / "widget.ipynb")
        with Lab(Path(lessons), Path(work)) as lab:
            return await drag_in(lab, *WIDGETS[name])


async def drag_in(lab: Lab, root: str, grabbed: str, reach: Reach) -> dict[str, float]:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(f"{lab.url}/lab/tree/widget.ipynb?token={lab.token}&reset")
        await page.wait_for_function(READY)
        await page.wait_for_function(IDLE)
        await page.evaluate(RUN, [60, False])
        await page.wait_for_selector(f"{root}[data-drawn]")
        await page.evaluate(WATCH, root)
        box = await page.locator(f"{root} {grabbed}").first.bounding_box()
        assert box is not None, f"{grabbed} is not shown"
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        return {**await single_moves(page, x, y, reach), **await drag(page, x, y, reach)}


async def single_moves(page: Page, x: float, y: float, reach: Reach) -> dict[str, float]:
    """One move at a time; the page is left alone until its picture is long drawn."""
    latencies = []
    for i in range(MOVES):
        await page.evaluate("times.drawn = []")
        await page.mouse.move(x + reach[0] * math.sin(i / 8), y + reach[1] * math.cos(i / 5))
        await asyncio.sleep(0.2)
        latencies.append(
            await page.evaluate("times.drawn.length ? times.drawn[0] - times.moved : -1")
        )
    latencies = sorted(one for one in latencies if one >= 0)
    return {
        "moves": len(latencies),
        "median_ms": round(statistics.median(latencies), 1),
        "p95_ms": round(latencies[math.ceil(0.95 * len(latencies)) - 1], 1),
        "max_ms": round(latencies[-1], 1),
    }


async def drag(page: Page, x: float, y: float, reach: Reach) -> dict[str, float]:
    """Moves at 60 Hz that wait for nothing, as those of a hand."""
    await page.evaluate("times.drawn = []; times.moves = []")
    start, i, moves = time.perf_counter(), 0, []
    while time.perf_counter() - start < DRAG_SECONDS:
        i += 1
        at = x + reach[0] * math.sin(i / 12), y + reach[1] * math.cos(i / 9)
        moves.append(asyncio.create_task(page.mouse.move(*at)))
        await asyncio.sleep(max(0.0, start + i / 60 - time.perf_counter()))
    await asyncio.gather(*moves)
    moved, drawn = await page.evaluate("[times.moves, times.drawn]")
    seconds = (moved[-1] - moved[0]) / 1000
    pictures = sum(when <= moved[-1] for when in drawn)
    return {
        "moves_per_second": round(len(moved) / seconds, 1),
        "frames_per_second": round(pictures / seconds, 1),
    }


if __name__ == "__main__":
    main()
