"""The kernel board in JupyterLab: a click, a drag and keys choose cells; channels draw the mask."""

import re

import pytest
from helpers.narrow import fits
from playwright.sync_api import expect

SOURCE = """
import torch
from minseg.explore import KernelBoard
from minseg.models import SOLOv2

torch.manual_seed(0)
model = SOLOv2(widths=(8, 8, 8, 8), channels=8, width=8, mask_width=16, grids=(24, 16, 8))
KernelBoard(model, level=1, cell=(2, 3))
"""


@pytest.fixture
def root(widget):
    return widget(SOURCE, ".minseg-kernels")


def expect_facts(root, pattern):
    expect(root).to_have_attribute("data-facts", re.compile(pattern), timeout=5000)
    expect(root.locator(".facts")).to_have_text(re.compile(pattern))


def test_a_click_and_a_drag_choose_cells(root):
    expect_facts(root, "^Grid 16 × 16, row 2, column 3: ")
    wide = root.locator(".map").bounding_box()["width"] / 16  # screen pixels of a cell
    root.locator(".map").click(position={"x": 9.5 * wide, "y": 4.5 * wide})
    expect_facts(root, "row 4, column 9: ")
    bars = root.locator(".kernel g rect")
    before = bars.first.get_attribute("height"), bars.last.get_attribute("height")
    root.lesson.drag(root.locator(".map"), 4.2 * wide, -3.2 * wide)  # from the middle, (8, 8)
    expect_facts(root, "row 4, column 12: ")
    after = bars.first.get_attribute("height"), bars.last.get_attribute("height")
    assert after != before, "another cell has another kernel"


def test_keys_move_the_cell(root):
    image = root.locator(".map")
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
        image.press(key)
    expect_facts(root, "row 4, column 2: ")


def test_levels_and_channels(root):
    root.locator("[data-trait=level]").select_option("2")
    expect_facts(root, "^Grid 8 × 8, row 1, column 1: ")
    expect(root.locator(".kernel .idle")).to_have_count(0)
    slider = root.locator("[data-trait=count]")
    slider.press("ArrowLeft")
    expect_facts(root, "drawn by 15 of 16 channels")
    expect(root.locator(".kernel .idle")).to_have_count(1)
    expect(root.locator(".pictures img")).to_have_count(6)
    slider.press("Home")
    expect(root.locator(".pictures .idle")).to_have_count(5)


def test_fits_a_narrow_window(root):
    assert fits(root)
