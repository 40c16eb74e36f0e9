"""The kernel view in JupyterLab: it follows mouse and keyboard, and asks the real kernel."""

import importlib.util

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="Triton is not installed (it exists for Linux only): pip install triton",
)
SOURCE = """import os
os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton, so in a kernel of its own
from minseg.explore import KernelView
KernelView(program=4)"""


def test_pick_step_and_drag(notebook, lab):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SOURCE)])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, lab.root / "kernel.ipynb")
    lesson = notebook("kernel.ipynb")
    lesson.run_all(180)
    root = lesson.page.locator(".minseg-kernel").first
    root.scroll_into_view_if_needed()
    line, loads = root.locator(".line"), root.locator("input[type=range]")
    expect(line).to_contain_text("Program 4 = 1 · 3 + 1: row 1 of RoI 1. 16 loads")
    root.get_by_role("radio").nth(0).click()
    expect(line).to_contain_text("Program 0 = 0 · 3 + 0")
    lesson.page.keyboard.press("ArrowDown")
    expect(line).to_contain_text("Program 1 = 0 · 3 + 1")
    loads.fill("5")
    expect(line).to_contain_text("Load 5 of 16 reads")
    expect(root.locator(".read")).to_have_count(3)  # a pixel for each bin
    loads.press("ArrowRight")
    expect(line).to_contain_text("Load 6 of 16 reads")
    loads.fill("0")

    asked = root.locator("tbody tr").nth(1).locator("td").first
    before = asked.inner_text()
    lesson.drag(root.locator(".handle").nth(0), -90, -70)  # it lies on RoI 1, and is RoI 0's
    expect(asked).not_to_have_text(before)
    expect(line).to_contain_text("row 1 of RoI 0")
    lesson.drag(root.locator(".roi").nth(2), -40, -30)
    expect(line).to_contain_text("row 1 of RoI 2")
    third = root.locator(".roi").nth(2)
    left = float(third.get_attribute("x"))
    third.press("ArrowLeft")
    assert float(third.get_attribute("x")) == pytest.approx(left - 0.1)
    root.locator("select").select_option("1")
    expect(line).to_contain_text("4 loads")
