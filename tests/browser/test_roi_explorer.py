"""The RoI explorer in JupyterLab: it follows mouse and keyboard, and shows Python's numbers."""

import re

import pytest
import torch
from playwright.sync_api import expect

from minseg.data import photo
from minseg.explore.roi_explorer.numbers import feature_map
from minseg.roi import roi_align, roi_pool

POINTS = re.compile(r"^(\d+\.\d,\d+\.\d ?){81}$")


def shown(root):
    """The box, and the numbers of the first two tables."""
    box = [float(v) for v in root.get_attribute("data-box").split(",")]
    cells = {name: root.locator(f"table.{name} td").all_inner_texts() for name in ("pool", "align")}
    return box, {name: [float(text) for text in texts] for name, texts in cells.items()}


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import RoIExplorer\nRoIExplorer()", ".minseg-roi")


def test_drag_the_box(root):
    lesson = root.lesson
    box, map_ = root.locator(".box"), root.locator(".map")
    zoom = map_.bounding_box()["width"] / 384  # screen pixels for each of the photograph
    start, before = shown(root)
    still = map_.screenshot()

    lesson.drag(box, 40 * zoom, -24 * zoom)
    moved = [start[0] + 40, start[1] - 24, start[2] + 40, start[3] - 24]
    expect_box(root, moved)
    lesson.drag(root.locator(".handle").last, -10 * zoom, 6 * zoom)
    moved[2:] = moved[2] - 10, moved[3] + 6
    expect_box(root, moved)
    for keys, change in (
        ("ArrowLeft", (-1, 0, -1, 0)),
        ("Shift+ArrowDown", (0, 0, 0, 1)),
        ("Alt+ArrowUp", (0, -0.1, 0, -0.1)),
        ("Alt+Shift+ArrowRight", (0, 0, 0.1, 0)),
    ):
        box.press(keys)
        moved = [a + b for a, b in zip(moved, change, strict=True)]
        expect_box(root, moved)

    end, numbers = shown(root)
    assert map_.screenshot() != still and numbers != before
    stride = int(root.locator("[data-trait=stride]").input_value())
    size = len(root.locator("table.align tr").all())
    features, roi = feature_map(photo("coins"), stride), torch.tensor([[0, *end]])
    pool = roi_pool(features, roi, size, 1 / stride).flatten()
    align = roi_align(features, roi, size, 1 / stride, 2, aligned=True).flatten()
    torch.testing.assert_close(torch.tensor(numbers["pool"]), pool, atol=6e-3, rtol=0)
    torch.testing.assert_close(torch.tensor(numbers["align"]), align, atol=6e-3, rtol=0)


def expect_box(root, box):
    """Wait until the answer to the last move is drawn; the mouse has whole screen pixels only."""
    root.page.wait_for_function(
        """([root, box]) => root.dataset.box.split(',')
             .every((v, i) => Math.abs(Number(v) - box[i]) < 0.03)""",
        arg=[root.element_handle(), box],
        timeout=5000,
    )


def test_switches_change_what_is_drawn(root):
    root.locator("[data-trait=output_size]").select_option("2")
    expect(root.locator("table.exact td")).to_have_count(4)
    edge = root.locator(".offsets td.align").first
    expect(edge).to_have_text("+0.00 (+0.0)")
    root.locator("summary", has_text="Conventions").click()
    root.locator("[data-trait=aligned]").uncheck()
    expect(edge).to_contain_text("+0.50")
    expect(root.locator(".sweep")).to_be_hidden()
    root.locator("[data-trait=sweeping]").check()
    expect(root.locator(".sweep polyline.pool")).to_have_attribute("points", POINTS)
    root.locator("summary", has_text="The call").click()
    expect(root.locator(".code")).to_contain_text("roi_align(features, roi, 2, 1 / ")


def test_near_the_box_the_map_shows_its_surroundings(root):
    root.locator("[data-trait=zoom]").select_option("near")
    expect(root.locator(".map")).not_to_have_attribute("viewBox", "0 0 384 303")
    before, _ = shown(root)
    shown_width = root.locator(".box").bounding_box()["width"]
    assert shown_width > 1.5 * 620 * (before[2] - before[0]) / 384
    root.lesson.drag(root.locator(".box"), 2000, 0)  # stops where the window does
    left, _, width, _ = map(float, root.locator(".map").get_attribute("viewBox").split())
    moved = left + width - before[2]
    expect_box(root, [before[0] + moved, before[1], before[2] + moved, before[3]])


def test_the_neighbours_of_a_point_can_be_hidden(root):
    expect(root.locator(".equation").first).to_be_visible()
    root.locator("[data-trait=pointing]").uncheck()
    expect(root.locator(".equation").first).to_be_hidden()
    expect(root.locator(".neighbour").first).to_be_hidden()
