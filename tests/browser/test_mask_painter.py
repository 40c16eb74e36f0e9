"""The mask painter in JupyterLab: the brush follows mouse and keys, Python says what is lost."""

import pytest
from playwright.sync_api import expect

from minseg.explore import MaskPainter


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import MaskPainter\nMaskPainter()", ".minseg-painter")


def at(root, column, row):
    """The middle of a cell on the screen."""
    grid = root.locator(".paint svg")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    zoom = box["width"] / 32
    return box["x"] + (column + 0.5) * zoom, box["y"] + (row + 0.5) * zoom


def expect_like(root, twin):
    """The page says of the masks what a painter in Python says."""
    expect(root).to_have_attribute("data-facts", twin.view["facts"], timeout=5000)
    for k, row in enumerate(twin.view["rows"]):
        cells = root.locator(f"tr[data-mask='{k + 1}'] td")
        for i, text in enumerate(row[1:]):
            expect(cells.nth(2 + i)).to_have_text(text)
    for name, note in twin.view["notes"].items():
        expect(root.locator(f".{name} .note")).to_have_text(note)


def test_paint_erase_and_clear_with_the_mouse(root):
    twin, mouse = MaskPainter(), root.page.mouse
    expect_like(root, twin)
    root.locator("[data-trait=size]").select_option("1")
    mouse.move(*at(root, 2, 20))
    mouse.down()
    mouse.move(*at(root, 26, 20), steps=40)
    mouse.move(*at(root, 26, 22), steps=4)
    mouse.up()
    twin.paint(0, [(2, 20), (26, 20), (26, 22)], size=1)
    expect_like(root, twin)

    root.locator("[data-trait=erasing]").select_option("true")
    root.locator("tr[data-mask='2'] input[type=radio]").check()
    root.locator("[data-trait=size]").select_option("5")
    mouse.move(*at(root, 14, 6))
    mouse.down()
    mouse.move(*at(root, 14, 20), steps=30)
    mouse.up()
    twin.paint(1, [(14, 6), (14, 20)], erase=True, size=5)
    expect_like(root, twin)
    expect(root.locator(".twice .note")).to_contain_text("pixels")

    root.get_by_role("button", name="Clear mask 3").click()
    twin.clear(2)
    expect_like(root, twin)
    root.locator(".reset").click()
    expect_like(root, MaskPainter())


def test_keys_move_paint_choose_and_stay_inside(root):
    cells = root.page.locator(".jp-Cell").count()
    twin, grid = MaskPainter(), root.locator(".paint svg")
    root.locator("[data-trait=size]").select_option("1")
    for key in ("3", "ArrowRight", "ArrowDown", " ", "Shift+ArrowRight", "Shift+ArrowRight"):
        grid.press(key)
    twin.paint(2, [(17, 13), (19, 13)], size=1)
    expect_like(root, twin)
    for key in ("e", "Shift+ArrowLeft"):
        grid.press(key)
    twin.paint(2, [(19, 13), (18, 13)], erase=True, size=1)
    expect_like(root, twin)
    expect(root.locator("[data-trait=erasing]")).to_have_value("true")
    expect(root.locator("tr[data-mask='3']")).to_have_class("chosen")
    assert root.page.locator(".jp-Cell").count() == cells, (
        "JupyterLab's own keys must not see these"
    )


def test_scores_classes_and_the_rule_decide(root):
    twin = MaskPainter()
    score = root.locator("tr[data-mask='3'] input[type=range]")
    score.press("End")
    twin.scores = (0.9, 0.8, 1.0)
    expect_like(root, twin)
    expect(root.locator("tr[data-mask='3'] td.yes")).to_have_text("yes")
    score.press("ArrowLeft")
    twin.scores = (0.9, 0.8, 0.95)
    expect_like(root, twin)
    root.locator("[data-trait=rule]").select_option("order")
    twin.rule = "order"
    expect_like(root, twin)
    root.locator("tr[data-mask='2'] select").select_option("2")
    twin.labels = (1, 2, 2)
    expect_like(root, twin)
