"""The matching board in JupyterLab: predictions follow mouse and keys, costs the predictions."""

import pytest
from helpers.narrow import fits
from playwright.sync_api import expect

from minseg.explore import MatchingBoard

START = MatchingBoard()


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import MatchingBoard\nMatchingBoard()", ".minseg-matching")


def expect_as(root, **traits):
    """Wait until the page shows what Python makes of these traits."""
    board = MatchingBoard(**traits)
    expect(root).to_have_attribute("data-facts", board.view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(board.view["facts"])
    texts = [cell for row in board.view["cost"] for cell in row]
    expect(root.locator(".matrix td.number")).to_have_text(texts)
    expect(root.locator(".link")).to_have_count(3)
    expect(root.locator("td.best")).to_have_count(3)


def moved(k, box):
    boxes = list(START.boxes)
    boxes[k] = box
    return {"boxes": tuple(boxes)}


def test_drag_a_prediction_onto_a_truth_and_it_answers(root):
    expect_as(root)
    zoom = root.locator(".map").bounding_box()["width"] / 240  # screen pixels for an image pixel
    root.locator("tr[data-shape='5'] select").select_option("disc")
    five = root.locator("g[data-shape='5']")
    root.lesson.drag(five.locator(".shape"), -2 * zoom, -61 * zoom)
    expect(root.locator("tr[data-shape='5'] td").last).to_have_text("A")
    expect(root.locator("tr[data-shape='2'] td").last).to_have_text("no object")
    expect(five).to_have_class("paired chosen")
    expect(root.locator(".terms caption")).to_contain_text("prediction 5")
    root.lesson.drag(five.locator(".handle"), 10 * zoom, 10 * zoom)
    root.locator(".reset").click()
    expect_as(root, chosen=4)


def test_arrow_keys_move_resize_and_step_finely(root):
    shape = root.locator("g[data-shape='2'] .shape")
    for keys in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Alt+ArrowUp"):
        shape.press(keys)
    x1, y1, x2, y2 = START.boxes[1]
    expect_as(root, chosen=1, **moved(1, (x1 + 1, y1 + 0.9, x2, y2 + 0.9)))


def test_classes_probabilities_rule_and_weights(root):
    row = root.locator("tr[data-shape='4']")
    row.locator("select").select_option("disc")
    row.locator("input").press("ArrowDown")
    kinds = ("disc", "disc", "box", "disc", "triangle")
    scores = (0.92, 0.85, 0.9, 0.73, 0.66)
    expect_as(root, chosen=3, kinds=kinds, scores=scores)
    root.locator("[data-trait=rule]").select_option("masks")
    expect(root.locator("[data-trait=giou_weight]")).to_be_hidden()
    root.locator("[data-trait=dice_weight]").press("ArrowRight")
    expect_as(root, chosen=3, kinds=kinds, scores=scores, rule="masks", dice_weight=2.5)


def test_fits_a_narrow_window(root):
    assert fits(root)
