"""The grid board in JupyterLab: things are dragged, cells follow; a click chooses a cell."""

import pytest
from helpers.narrow import fits
from playwright.sync_api import expect

from minseg.explore import GridBoard

START = GridBoard()


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import GridBoard\nGridBoard()", ".minseg-grid")


def expect_as(root, **traits):
    """Wait until the page shows what Python makes of these traits."""
    board = GridBoard(**traits)
    expect(root).to_have_attribute("data-facts", board.view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(board.view["facts"])
    expect(root.locator(".about")).to_have_text(board.view["cell"])
    told = [text for row in board.view["rows"] for text in row]
    expect(root.locator("td.told")).to_have_text(told)


def zoom(root):
    """Screen pixels for an image pixel."""
    return root.locator(".map").bounding_box()["width"] / 240


def test_drag_things_apart_and_back(root):
    expect_as(root)
    five = root.locator("g[data-shape='5']")
    root.lesson.drag(five.locator(".shape"), 0, -75 * zoom(root))
    expect(root.locator(".crosses")).to_have_attribute("d", "")
    expect(root.locator("tr[data-shape='3'] td").last).to_have_text("taught")
    root.lesson.drag(five.locator(".handle"), 10 * zoom(root), 10 * zoom(root))
    root.locator(".reset").click()
    expect_as(root)
    expect(root.locator(".crosses")).not_to_have_attribute("d", "")


def test_a_click_chooses_a_cell_on_things_too(root):
    wide, high = (side * zoom(root) / 12 for side in (240, 160))
    for row, column in ((0, 11), (3, 2)):
        place = {"x": (column + 0.5) * wide, "y": (row + 0.5) * high}
        root.locator(".map").click(position=place)
        expect_as(root, cell=(row, column))
    expect(root.locator("g[data-shape='1']")).to_have_class("chosen taught")


def test_keys_move_things_and_the_cell(root):
    shape = root.locator("g[data-shape='2'] .shape")
    for keys in ("ArrowRight", "Shift+ArrowDown", "Alt+ArrowUp"):
        shape.press(keys)
    x1, y1, x2, y2 = START.boxes[1]
    boxes = (START.boxes[0], (x1 + 1, y1 - 0.1, x2 + 1, y2 + 0.9), *START.boxes[2:])
    expect_as(root, boxes=boxes)
    cell = root.locator(".cell")
    cell.press("ArrowDown")
    cell.press("ArrowRight")
    expect_as(root, boxes=boxes, cell=(5, 3))


def test_controls(root):
    root.locator("[data-trait=grid]").press("ArrowLeft")
    root.locator("[data-trait=epsilon]").press("ArrowRight")
    root.locator("[data-trait=sizes]").select_option("30 to 80 px")
    root.locator("[data-trait=decoupled]").check()
    root.locator("tr[data-shape='1'] select").select_option("arch")
    kinds = ("arch", *START.kinds[1:])
    expect_as(root, grid=11, epsilon=0.25, sizes="30 to 80 px", decoupled=True, kinds=kinds)
    expect(root.locator(".strips")).not_to_have_attribute("d", "")


def test_fits_a_narrow_window(root):
    assert fits(root)
