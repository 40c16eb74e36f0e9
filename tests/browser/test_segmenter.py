"""The segmenter in JupyterLab: the threshold follows mouse and keys; another photograph comes."""

import pytest
from playwright.sync_api import expect

from minseg.explore import Segmenter


@pytest.fixture
def root(widget):
    source = 'Segmenter(photo="coins, noisy")'
    return widget(f"from minseg.explore import Segmenter\n{source}", ".minseg-segmenter")


@pytest.fixture(scope="module")
def twin():
    return Segmenter(photo="coins, noisy")


def expect_like(root, twin):
    """The page says and draws what a segmenter in Python does."""
    expect(root).to_have_attribute("data-facts", twin.view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(twin.view["facts"])
    masks = [k for k in twin.view["shown"] if k < len(twin.look.found)]
    expect(root.locator(".map .line:visible")).to_have_count(len(masks))
    expect(root.locator(".map .box:visible")).to_have_count(len(twin.view["shown"]))


def test_keys_move_the_threshold(root, twin):
    expect_like(root, twin)
    slider = root.locator("[data-trait=threshold]")
    slider.press("ArrowRight")
    twin.threshold = 0.51
    expect_like(root, twin)
    for key, threshold in (("End", 1.0), ("Home", 0.0)):
        slider.press(key)
        twin.threshold = threshold
        expect_like(root, twin)


def test_drag_the_line_and_click_beside_it(root, twin):
    plot = root.locator(".scores svg")
    plot.scroll_into_view_if_needed()
    box, mouse = plot.bounding_box(), root.page.mouse
    zoom = box["width"] / 600

    def at(score):
        return box["x"] + zoom * 600 * score, box["y"] + 40

    mouse.move(*at(0.5))
    mouse.down()
    mouse.move(*at(0.2), steps=20)
    mouse.move(*at(0.9), steps=20)
    mouse.up()
    twin.threshold = 0.9
    expect_like(root, twin)
    expect(root.locator("[data-trait=threshold]")).to_be_focused()
    mouse.click(*at(0.3))
    twin.threshold = 0.3
    expect_like(root, twin)
    expect(root.locator("output")).to_have_text("0.30")


def test_another_photograph_and_a_narrow_page(root, twin):
    before = root.locator(".photo").get_attribute("href")
    root.locator("[data-trait=photo]").select_option("coins")
    expect(root).to_have_attribute("data-facts", Segmenter().view["facts"], timeout=9000)
    assert root.locator(".photo").get_attribute("href") != before
    expect(root.locator(".map .missed.box:visible")).to_have_count(0)
    shell = "window.jupyterapp.shell"
    root.page.evaluate(f"() => {shell}.collapseLeft()")
    root.page.set_viewport_size({"width": 400, "height": 900})
    fits = "node => node.scrollWidth <= node.clientWidth + 1"
    root.page.wait_for_function(fits, arg=root.element_handle(), timeout=9000)
    root.page.evaluate(f"() => {shell}.expandLeft()")
