"""The loss board in JupyterLab: the disc follows mouse and keyboard, losses the disc."""

import pytest
from playwright.sync_api import expect

from minseg.explore.loss_board.widget import DISCS, TRUE_DISC, LossBoard


@pytest.fixture
def root(widget):
    return widget("from minseg.explore import LossBoard\nLossBoard()", ".minseg-losses")


def expect_as(root, **traits):
    """Wait until the page shows what Python makes of these traits."""
    view = LossBoard(**traits).view
    expect(root).to_have_attribute("data-facts", view["facts"], timeout=5000)
    expect(root.locator(".facts")).to_have_text(view["facts"])
    for row in view["rows"]:
        line = root.locator(f"tr[data-loss='{row['name']}']")
        expect(line.locator("td").first).to_have_text(row["value"])
    expect(root.locator("text.sign")).to_have_count(len(view["marks"]))
    assert root.locator("text.sign").all_text_contents() == [sign for _, _, sign in view["marks"]]


def opaque(root, k):
    """How many pixels of a map are not quite transparent."""
    return (
        root.locator("canvas")
        .nth(k)
        .evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
            ".filter((v, k) => k % 4 === 3 && v > 20).length"
        )
    )


def test_drag_the_disc_onto_the_truth(root):
    expect_as(root)
    painted = opaque(root, 0)
    zoom = root.locator(".stage").bounding_box()["width"] / 64  # screen pixels for an image pixel
    disc, (x, y, r) = root.locator("g[data-disc='0']"), DISCS[0]
    dx, dy = TRUE_DISC[0] - x, TRUE_DISC[1] - y
    root.lesson.drag(disc.locator(".ring"), dx * zoom, dy * zoom)
    expect(root.locator("tr[data-loss='Hausdorff'] .less")).to_be_visible()
    root.lesson.drag(disc.locator(".handle"), (TRUE_DISC[2] - r) * zoom, 0)
    expect(root.locator(".facts")).to_contain_text(": 0 pixels wrong")
    assert opaque(root, 0) > painted  # a larger disc
    root.locator("button.reset").click()
    expect_as(root)


def test_arrow_keys_move_resize_and_step_finely(root):
    ring = root.locator("g[data-disc='0'] .ring")
    for keys in ("ArrowRight", "ArrowDown", "Shift+ArrowUp", "Alt+ArrowLeft"):
        ring.press(keys)
    expect_as(root, discs=((33.9, 23, 10), DISCS[1]))


def test_blob_hole_edge_and_push(root):
    root.locator("[data-trait=blob]").check()
    root.locator("[data-trait=hole]").check()
    root.locator("[data-trait=softness]").press("ArrowRight")
    root.locator("input[value='boundary']").check()
    expect_as(root, blob=True, hole=True, softness=1.25, loss="boundary")
    expect(root.locator("tr.chosen th")).to_have_text("boundary")
    root.locator("button.mark").click()
    expect(root.locator("tr[data-loss='boundary'] td").nth(1)).to_have_text("+0.000")
    root.locator("g[data-disc='1'] .ring").press("ArrowLeft")
    expect_as(root, discs=(DISCS[0], (56, 41, 3)), blob=True, hole=True, softness=1.25,
              loss="boundary")  # fmt: skip


def test_a_loss_without_gradient_pushes_nothing(root):
    root.locator("input[value='hard IoU']").check()
    expect_as(root, loss="hard IoU")
    assert opaque(root, 1) == 0
