"""The AP playground in JupyterLab: boxes follow mouse and keyboard, the table the scores."""

import re

import pytest
from playwright.sync_api import expect

from minseg.explore.ap_playground.numbers import DETECTIONS, SCORES, TRUTHS, numbers


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import APPlayground\nAPPlayground()", ".minseg-ap")


def expect_facts(root, detections=DETECTIONS, scores=SCORES, **settings):
    """Wait until what Python makes of these is on the screen."""
    facts = numbers(detections, scores, TRUTHS, **settings)["facts"]
    expect(root).to_have_attribute("data-facts", facts, timeout=5000)
    expect(root.locator(".facts")).to_have_text(facts)


def test_drag_a_detection_onto_the_missed_truth(root):
    expect_facts(root)
    zoom = root.locator(".map").bounding_box()["width"] / 320  # screen pixels for an image pixel
    row = root.locator("tr[data-detection='10']")
    expect(row).to_have_class("FP")
    ten = root.locator("g[data-detection='10']")
    root.lesson.drag(ten.locator(".box"), -20 * zoom, -10 * zoom)
    expect(row).to_have_class("TP chosen")
    expect(row).to_contain_text(re.compile(r"takes E, IoU 0\.\d\d"))
    expect(root.locator(".link")).to_have_count(5)
    root.lesson.drag(ten.locator(".handle"), -100 * zoom, 0)
    expect(row).to_contain_text("IoU only")
    root.locator(".reset").click()
    expect_facts(root)
    expect(row).to_have_class("FP chosen")


def test_arrow_keys_move_resize_and_step_finely(root):
    box = root.locator("g[data-detection='3'] .box")
    for keys in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Alt+ArrowUp"):
        box.press(keys)
    moved = [list(one) for one in DETECTIONS]
    moved[2] = [103, 28.9, 166, 70.9]
    expect_facts(root, moved)
    for edge, value in (("x", 103), ("y", 28.9), ("width", 63), ("height", 42)):
        assert float(box.get_attribute(edge)) == pytest.approx(value)


def test_scores_reorder_the_table_and_keep_the_focus(root):
    slider = root.locator("tr[data-detection='10'] input")
    slider.press("ArrowUp")
    expect_facts(root, scores=(*SCORES[:9], 0.23))
    slider.press("End")
    first = root.locator("tbody tr").first
    expect(first).to_have_attribute("data-detection", "10")
    expect(slider).to_be_focused()
    expect_facts(root, scores=(*SCORES[:9], 1.0))


def test_threshold_rule_and_crowd(root):
    root.locator("[data-trait=rule]").select_option("raw")
    root.locator("[data-trait=crowd]").check()
    root.locator("[data-trait=threshold]").press("ArrowRight")
    expect_facts(root, threshold=0.55, rule="raw", crowd=True)
    expect(root.locator("tr[data-detection='10']")).to_have_class("ignored")
    expect(root.locator(".area")).not_to_have_attribute("d", "")
