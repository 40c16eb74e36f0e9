"""The query viewer in JupyterLab: clicks and keys choose a query, a layer, a head."""

import re

import pytest
from helpers.narrow import fits
from playwright.sync_api import expect

SOURCE = """
import torch
from minseg.explore import QueryViewer
from minseg.models import DETR

torch.manual_seed(0)
small = {"widths": (8, 8, 8), "channels": 8, "width": 16, "hidden": 16, "mask_width": 8}
QueryViewer(DETR(**small, queries=6, layers=(1, 2)), query=2)
"""


@pytest.fixture
def root(widget):
    return widget(SOURCE, ".minseg-queries")


def expect_facts(root, pattern):
    expect(root).to_have_attribute("data-facts", re.compile(pattern), timeout=5000)
    expect(root.locator(".facts")).to_have_text(re.compile(pattern))


def test_buttons_choose_queries_and_layers(root):
    expect_facts(root, "^Query 3, layer 2 of 2: ")
    box = root.locator(".map .box")
    x = box.get_attribute("x")
    root.locator(".queries [data-query='5']").click()
    expect_facts(root, "^Query 5, layer 2 of 2: ")
    expect(root.locator(".queries [aria-pressed=true]")).to_have_text(re.compile("^5: "))
    expect(root.locator(".rows caption")).to_have_text("Query 5 after each layer")
    expect(box).not_to_have_attribute("x", x)
    root.locator(".layers [data-layer='1']").click()
    expect_facts(root, "^Query 5, layer 1 of 2: ")
    expect(root.locator("tr.chosen th")).to_have_text("1")


def test_keys_choose_queries_and_layers(root):
    image = root.locator(".map")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowLeft"):
        image.press(key)
    expect_facts(root, "^Query 4, layer 1 of 2: ")
    for _ in range(3):
        image.press("ArrowLeft")  # there is none before the first
    expect_facts(root, "^Query 4, layer 1 of 2: ")


def test_a_head_has_a_look_of_its_own(root):
    look = root.locator(".map .look")
    mean = look.get_attribute("href")
    root.locator("[data-trait=head]").select_option("3")
    expect(look).not_to_have_attribute("href", mean)
    root.locator("[data-trait=head]").select_option("0")
    expect(look).to_have_attribute("href", mean)


def test_fits_a_narrow_window(root):
    assert fits(root)
