"""The stage viewer in JupyterLab: RoIs are clicked, dragged and moved by keys, stages follow."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def root(widget):
    source = "from minseg.explore import StageViewer\nStageViewer()"
    return widget(source, ".minseg-stages")


def expect_facts(root, pattern):
    expect(root).to_have_attribute("data-facts", re.compile(pattern), timeout=5000)


def click(root, x, y):
    """Click in the image, at image pixels."""
    shape = root.locator(".photo").bounding_box()
    scale = shape["width"] / 240
    root.lesson.page.mouse.click(shape["x"] + x * scale, shape["y"] + y * scale)


def test_one_roi_through_all_stages(root):
    expect(root.get_by_role("tab").first).to_have_attribute("aria-selected", "true")
    expect_facts(root, r"^RoI 1 of 100, Anchors: \d+ × \d+ px around")
    for words in ("Proposals: deltas", "Sampled RoIs: IoU", "Class and box: coin", "Masks: 14 × "):
        root.locator("[aria-selected=true]").press("ArrowRight")
        expect_facts(root, f"^RoI 1 of 100, {words}")
    expect(root.locator(".map")).to_have_class("map at-masks")
    expect(root.locator(".chosen .mask")).to_be_visible()
    expect(root.locator(".found path")).to_have_count(12)
    expect(root.locator(".caption")).to_contain_text("12 boxes that are kept")
    expect(root.locator(".story .on")).to_contain_text("mask IoU")


def test_a_click_chooses_the_nearest_outline_and_more_clicks_those_behind(root):
    root.locator("[data-stage=masks][role=tab]").click()  # 12 boxes, far from each other
    expect(root.locator(".rois rect")).to_have_count(12)
    there = root.locator(".rois rect").last
    number, x, y = (float(there.get_attribute(name)) for name in ("data-roi", "x", "y"))
    click(root, x + 1, y + 15)
    expect_facts(root, f"^RoI {number:.0f} of")
    root.locator("[data-stage=proposals][role=tab]").click()
    expect_facts(root, "Proposals")
    seen = set()
    for _ in range(3):
        before = root.get_attribute("data-facts")
        click(root, 196, 52)  # many proposals lie there
        expect(root).not_to_have_attribute("data-facts", before)
        seen.add(re.match(r"RoI \d+", root.get_attribute("data-facts")).group())
    assert len(seen) == 3
    expect(root.locator(".chosen")).to_have_class("chosen")  # none was dragged


def test_drag_resize_and_put_back(root):
    root.locator("[data-stage=boxes][role=tab]").click()
    expect_facts(root, "Class and box: coin 1.00.*kept$")
    box = root.locator(".chosen .box")
    x, width = box.get_attribute("x"), box.get_attribute("width")
    root.lesson.drag(box, 60, -90)
    expect(root.locator(".chosen")).to_have_class("chosen moved")
    expect_facts(root, "below ½, dropped$")
    assert float(box.get_attribute("x")) > float(x) + 20
    expect(root.locator(".story li").first).to_contain_text("moved by hand")
    expect(root.locator("tbody tr").last).to_contain_text(re.compile(r"background(0\.9|1\.0)"))
    root.lesson.drag(root.locator(".chosen .handle"), 15, 15)
    assert float(box.get_attribute("width")) > float(width) + 5
    root.locator(".reset").click()
    expect(root.locator(".chosen")).to_have_class("chosen")
    expect(box).to_have_attribute("x", x)
    expect_facts(root, "kept$")


def test_keys(root):
    image = root.locator(".map")
    image.focus()
    image.press("n")
    expect_facts(root, "^RoI 2 of 100, Anchors")
    image.press("2")
    expect_facts(root, "Proposals: ")
    box = root.locator(".chosen .box")
    x, width = (float(box.get_attribute(name)) for name in ("x", "width"))
    for keys in ("ArrowLeft", "Alt+ArrowLeft", "Shift+ArrowRight"):
        image.press(keys)
    expect_facts(root, "Proposals: none at")
    assert float(box.get_attribute("x")) == pytest.approx(x - 1.1, abs=1e-3)
    assert float(box.get_attribute("width")) == pytest.approx(width + 1, abs=1e-3)
    root.locator("input[type=range]").press("ArrowUp")
    expect_facts(root, "^RoI 3 of")
    expect(root.locator(".chosen")).to_have_class("chosen")
