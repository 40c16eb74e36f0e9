"""The picture of the whole network: each part is named, each shape stands under its tensor."""

import pytest

from minseg.data import SceneDataset
from minseg.draw.network import draw_network
from minseg.draw.texts import text_faults
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


def test_its_texts_can_be_read(fig):
    assert text_faults(fig) == []
