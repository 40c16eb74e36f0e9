"""The balance board in JupyterLab: weights are dragged, stepped and set, numbers follow."""

import re

import pytest
from playwright.sync_api import expect

from minseg.explore import BalanceBoard


@pytest.fixture(scope="module")
def board():
    """What Python makes of the same traits."""
    return BalanceBoard()


@pytest.fixture
def root(widget):
    source = "from minseg.explore import BalanceBoard\nboard = BalanceBoard()\nboard"
    return widget(source, ".minseg-balance")


def text(root, loss, column):
    return root.locator(f"tr[data-loss='{loss}'] [data-column='{column}'] span").first


def handle(root, loss):
    return root.locator(f"tr[data-loss='{loss}'] .handle")


def expect_as(root, board, **traits):
    """Wait until the page shows what Python makes of these traits."""
    board.preset, board.step = "all 1", 0.01
    for name, value in traits.items():
        setattr(board, name, value)
    expect(root).to_have_attribute("data-facts", board.view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(board.view["facts"])
    expect(root.locator(".formula")).to_have_text(board.view["formula"])
    for name, row in zip(board.names, board.view["rows"], strict=True):
        for column, key in enumerate(("loss", "weight", None, "pull", "percent", "angle"), 1):
            if key:
                expect(text(root, name, column)).to_have_text(row[key])
        expect(text(root, name, 7)).to_have_text(row["change"])
        line = root.locator(f"tr[data-loss='{name}']")
        expect(line).to_have_class("rises" if row["sign"] < 0 else "")


def test_dragging_a_handle_changes_its_weight(root, board):
    expect_as(root, board)
    grabbed = handle(root, "class")
    grid = root.locator("tr[data-loss='class'] .grid")
    decade = grid.nth(1).bounding_box()["x"] - grid.nth(0).bounding_box()["x"]
    root.lesson.drag(grabbed, decade, 0)
    expect(text(root, "class", 2)).to_have_text("× 10")
    expect(root.locator("tr.rises").first).to_be_visible()
    root.lesson.drag(grabbed, 9 * decade, 0)  # no further than the bar goes
    expect(text(root, "class", 2)).to_have_text("× 100")
    expect(root.locator("[aria-pressed=true]")).to_have_count(0)
    expect_as(root, board, weights={"class": 100})
    # A click on a bar brings its handle.
    at = root.locator("tr[data-loss='mask'] .track").bounding_box()
    spot = root.locator("tr[data-loss='mask'] .one").bounding_box()["x"] + 30
    root.locator("tr[data-loss='mask'] .track").click(
        position={"x": spot - at["x"], "y": at["height"] / 2}
    )
    expect(root).to_have_attribute("data-facts", re.compile("by hand"))
    box = handle(root, "mask").bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(spot, abs=2)


def test_keys_step_the_chosen_weight(root, board):
    box = handle(root, "box")
    for key in ("PageUp", "ArrowRight", "ArrowUp", "Alt+ArrowLeft"):
        box.press(key)
    expect_as(root, board, weights={"box": 10**1.19})
    expect(box).to_have_attribute("aria-valuetext", re.compile(r"^× 15, pull "))
    box.press("Home")
    expect_as(root, board, weights={"box": 0.01})
    box.press("1")
    handle(root, "rpn_box").press("End")
    expect_as(root, board, weights={"rpn_box": 100})


def test_cosines_have_a_sign_and_presets_line_up(root, board):
    cells = root.locator(".cosines tbody td")
    expect(cells).to_have_count(25)
    shown = [float(one.replace("−", "-")) for one in cells.all_text_contents()]
    due = [value for row in board.cosines for value in row]
    assert shown == pytest.approx(due, abs=0.006)
    against = root.locator(".cosines .against").all_text_contents()
    assert against and all(one.startswith("−") for one in against)
    root.locator("[data-preset='equal gradients']").click()
    expect_as(root, board, preset="equal gradients")
    pressed = root.locator("[aria-pressed=true]")
    expect(pressed).to_have_text("equal gradients")
    places = {handle(root, name).get_attribute("cx")[:5] for name in board.names}
    assert len(places) == 1  # all pull equally hard
    root.locator("[data-preset='uncertainty']").click()
    expect_as(root, board, preset="uncertainty")


def test_the_step_is_taken_and_forgotten(root, board):
    slider = root.locator("[data-trait=step]")
    root.locator(".take").click()
    expect(text(root, "rpn_box", 8)).to_have_text(re.compile("^−"))
    slider.press("ArrowRight")
    expect_as(root, board, step=10**-1.75)
    expect(text(root, "rpn_box", 8)).to_have_text("")


def test_a_narrow_page_shows_all_without_scrolling(root, board):
    root.lesson.page.set_viewport_size({"width": 900, "height": 900})
    expect(root.locator("thead").first).to_be_hidden()
    assert root.evaluate("node => node.scrollWidth <= node.clientWidth")
    expect(text(root, "mask", 6)).to_be_visible()
    root.lesson.drag(handle(root, "mask"), 40, 0)
    expect(root).to_have_attribute("data-facts", re.compile("by hand"))
