"""The suppression board in JupyterLab: masks follow mouse and keys, scores the masks."""

import pytest
from helpers.narrow import fits
from playwright.sync_api import expect

from minseg.explore import SuppressionBoard
from minseg.explore.suppression_board.numbers import RULES

START = SuppressionBoard()


@pytest.fixture
def root(widget):
    source = "from minseg.explore import SuppressionBoard\nSuppressionBoard()"
    return widget(source, ".minseg-suppression")


def expect_as(root, **traits):
    """Wait until the page shows what Python makes of these traits."""
    board = SuppressionBoard(**traits)
    expect(root).to_have_attribute("data-facts", board.view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(board.view["facts"])
    after = board.view["after"]
    texts = [after[rule][k] for k in range(len(board.boxes)) for rule in RULES]
    expect(root.locator("td.after")).to_have_text(texts)
    dropped = board.view["kept"][board.rule].count(False)
    expect(root.locator(".shapes .dropped")).to_have_count(dropped)


def test_drag_a_double_away_and_it_keeps_its_score(root):
    expect_as(root)
    zoom = root.locator(".map").bounding_box()["width"] / 240  # screen pixels for an image pixel
    three = root.locator("g[data-shape='3']")
    three.locator(".shape").focus()
    root.lesson.drag(three.locator(".handle"), -40 * zoom, 20 * zoom)
    expect(three).to_have_class("kept chosen")
    root.locator(".reset").click()
    expect_as(root)
    expect(three).to_have_class("dropped chosen")


def test_arrow_keys_move_resize_and_step_finely(root):
    shape = root.locator("g[data-shape='2'] .shape")
    for keys in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Alt+ArrowUp"):
        shape.press(keys)
    x1, y1, x2, y2 = START.boxes[1]
    boxes = (START.boxes[0], (x1 + 1, y1 + 0.9, x2, y2 + 0.9), *START.boxes[2:])
    expect_as(root, boxes=boxes)
    expect(root.locator(".rivals caption")).to_contain_text("Mask 2")


def test_scenes_come_whole_and_scores_follow_sliders(root):
    root.locator("[data-trait=preset]").select_option("triplets")
    expect_as(root, preset="triplets")
    root.locator("[data-trait=kernel]").select_option("linear")
    root.locator("tr[data-shape='3'] input").press("ArrowUp")
    expect_as(root, preset="triplets", kernel="linear", scores=(0.9, 0.8, 0.71))
    root.locator("tr[data-shape='2'] select").select_option("box")
    expect_as(root, preset="triplets", kernel="linear", scores=(0.9, 0.8, 0.71),
              kinds=("disc", "box", "disc"))  # fmt: skip
    expect(root.locator("[data-trait=sigma]")).to_be_disabled()


def test_fits_a_narrow_window(root):
    assert fits(root)
