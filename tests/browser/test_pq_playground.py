"""The PQ playground in JupyterLab: it follows mouse and keyboard, with Python's numbers."""

import re

import pytest
from playwright.sync_api import expect

from minseg.data import make_scene
from minseg.explore import PQPlayground

WIDTH = 128  # pixels of the scene
DISC = (100, 69)  # a pixel of disc 1, id 1001


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import PQPlayground\nPQPlayground()", ".minseg-pq")


def at(root, x, y):
    """Where pixel (x, y) of the prediction is on the screen, and screen pixels a pixel."""
    box = root.locator("svg.map").nth(1).bounding_box()
    zoom = box["width"] / WIDTH
    return (box["x"] + x * zoom, box["y"] + y * zoom), zoom


def expect_pq(root, *edits):
    """The table says what these edits, done in Python, come to."""
    scene = make_scene(9, (96, WIDTH), count=(5, 6)).panoptic
    twin = PQPlayground(scene)
    for edit in edits:
        twin.edit(*edit)
    expect(root).to_have_attribute("data-pq", twin.view["rows"][0][1])
    shown = root.locator("tbody tr").all_inner_texts()
    assert [re.split(r"\s+", line.strip()) for line in shown] == [
        [cell for cell in row if cell] for row in twin.view["rows"]
    ]


def test_drag_a_disc_until_it_is_lost(root):
    (x, y), zoom = at(root, *DISC)
    root.page.mouse.move(x, y)
    root.page.mouse.down()
    root.page.mouse.move(x + 5 * zoom, y, steps=5)
    expect_pq(root, ("move", 1001, 5, 0))
    root.page.mouse.move(x + 6 * zoom, y)
    expect_pq(root, ("move", 1001, 6, 0))
    root.page.mouse.up()
    expect(root.locator("path.line.missed")).to_have_count(1)
    expect(root.locator("path.line.lost")).to_have_count(1)
    root.locator("[data-action=undo]").click()
    expect_pq(root)


def test_keys_choose_edit_and_stay_inside(root):
    page = root.page
    cells = page.locator(".jp-Cell").count()
    page.mouse.click(*at(root, *DISC)[0])
    expect(root).to_have_attribute("data-selected", "1001")
    for key, done in (
        ("e", ("erode", 1001)),
        ("s", ("split", 1001)),
        ("d", ("delete", 1001)),
    ):
        page.keyboard.press(key)
        expect_pq(root, done)
        page.keyboard.press("u")
        expect_pq(root)
        page.mouse.click(*at(root, *DISC)[0])
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect_pq(root, ("move", 1001, 2, 0))
    page.keyboard.press("ArrowRight")
    expect(root).not_to_have_attribute("data-selected", "1001")
    assert page.locator(".jp-Cell").count() == cells, "JupyterLab's own keys must not see these"


def test_merge_takes_two_clicks(root):
    root.page.mouse.click(*at(root, *DISC)[0])
    root.locator("[data-action=merge]").click()
    expect(root.locator("[data-action=merge]")).to_have_attribute("aria-pressed", "true")
    root.page.mouse.click(*at(root, 6, 6)[0])
    expect_pq(root, ("merge", 1001, 1003))
    expect(root.locator(".said")).to_contain_text("Merge disc 1 with disc 3")
