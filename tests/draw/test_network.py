"""The picture of the whole network: each part is named, each shape stands under its tensor."""

import pytest

from minseg.data import SceneDataset
from minseg.draw.network import HEIGHT, WIDTH, draw_network
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.models import load_coins


@pytest.fixture(scope="module")
def fig():
    scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
    return draw_network(MaskRCNNTrace(load_coins(), scene.image, scene.instances))


def test_all_parts_and_shapes_are_named(fig):
    texts = {text.get_text() for text in fig.axes[0].texts}
    parts = {"backbone", "RPN", "best, NMS", "box head", "RoIAlign", "mask head", "paste"}
    shapes = {"(3, 128, 128)", "32 × 32", "8 × 8", "(R, 4)", "(R, 64, 7, 7)", "(D, C, 28, 28)"}
    assert parts | shapes <= texts
    assert len(fig.axes[0].images) == 3 + 2 * 3 + 4, "one for each tensor that is shown"


def test_no_two_texts_overlap_and_none_leaves_the_figure(fig):
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts if text.get_text()]
    for k, box in enumerate(boxes):
        assert min(box.x0, box.y0) >= 0 and box.x1 <= WIDTH and box.y1 <= HEIGHT
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
