"""Masks written down, in JupyterLab: a budget to move, control points to drag."""

import pytest
from playwright.sync_api import expect

from minseg.experiments.representations import SIZE
from minseg.explore.representation_sweep.numbers import numbers as swept
from minseg.explore.spline_editor.numbers import numbers as drawn
from minseg.explore.spline_editor.widget import MARGIN, START, SplineEditor


@pytest.fixture
def sweep(widget):
    source = 'RepresentationSweep(thing="ring", kind="grid of shares", step=6)'
    return widget(f"from minseg.explore import RepresentationSweep\n{source}", ".minseg-sweep")


@pytest.fixture
def spline(widget):
    source = 'from minseg.explore import SplineEditor\nSplineEditor(thing="star")'
    return widget(source, ".minseg-spline")


def expect_facts(root, facts):
    """Wait until what Python makes of these is on the screen."""
    expect(root).to_have_attribute("data-facts", facts, timeout=5000)


def test_move_the_budget_and_change_what_is_written(sweep):
    root, slider = sweep, sweep.locator("[data-trait=step]")
    expect_facts(root, swept("ring", "grid of shares", 6)["facts"])
    for key, step in (("ArrowRight", 7), ("ArrowUp", 8), ("ArrowLeft", 7), ("Home", 0)):
        slider.press(key)
        expect_facts(root, swept("ring", "grid of shares", step)["facts"])
    root.locator(".dot").nth(9).click()
    expect_facts(root, swept("ring", "grid of shares", 9)["facts"])
    expect(slider).to_have_value("9")
    root.locator("[data-trait=kind]").select_option("polygon")
    expect_facts(root, swept("ring", "polygon", 9)["facts"])
    view = swept("ring", "polygon", 9)
    expect(root.locator(".marks circle")).to_have_count(len(view["marks"]))
    root.locator("[data-trait=thing]").select_option("two parts")
    expect(root.locator("tr", has_text="what comes back has")).to_contain_text("2 parts, 0 holes")
    expect(root.locator("output")).to_contain_text("in 2 polygons")


def test_drag_a_control_point_and_fit(spline):
    root = spline
    expect_facts(root, drawn("star", START)["facts"])
    zoom = root.locator(".map").bounding_box()["width"] / (
        SIZE + 2 * MARGIN
    )  # screen pixels for an image pixel
    point = root.locator("[data-control='0']")
    root.lesson.drag(point, -12 * zoom, 6 * zoom)
    x, y = START[0]
    expect(point).to_have_class("control chosen")
    assert float(point.get_attribute("cx")) == pytest.approx(x - 12, abs=0.3)
    assert float(point.get_attribute("cy")) == pytest.approx(y + 6, abs=0.3)
    expect(root).not_to_have_attribute("data-facts", drawn("star", START)["facts"])
    root.locator(".fit").click()
    fitted = SplineEditor(thing="star")
    fitted.fit()
    expect_facts(root, fitted.view["facts"])


def test_keys_move_add_and_remove(spline):
    root = spline
    point = root.locator("[data-control='2']")
    for key in ("ArrowRight", "ArrowUp", "Alt+ArrowUp"):
        point.press(key)
    x, y = START[2]
    moved = (*START[:2], (x + 1, y - 1.1), *START[3:])
    expect_facts(root, drawn("star", moved)["facts"])
    point.press("+")
    expect(root.locator(".control")).to_have_count(9)
    root.locator("[data-control='8']").press("Delete")
    expect(root.locator(".control")).to_have_count(8)
    expect(root.locator("[data-control='7']")).to_be_focused()
    for count in (7, 6, 5, 4):
        root.locator(".remove").click()
        expect(root.locator(".control")).to_have_count(count)
    expect(root.locator(".remove")).to_be_disabled()
