"""The heads: classes, boxes, and masks from where a query looks."""

import torch
import torch.nn.functional as F

from minseg.models.detr.heads import ClassHead, QueryBoxHead, boxes_as_shares, boxes_in_pixels
from minseg.models.detr.mask_head import LEAST, Picks, QueryMaskHead


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def head(**options):
    torch.manual_seed(0)
    narrow = {"width": 16, "channels": 8, "levels": 2, "inner": 8, "heads": 4}
    return QueryMaskHead(**narrow | options)


QUERIES, MEMORY = seeded(3, 2, 5, 16), seeded(2, 12, 16, seed=1)  # L, B, Q; T = 3 × 4
PYRAMID = [seeded(2, 8, 6, 8, seed=2), seeded(2, 8, 3, 4, seed=3)]


def picks(*rows):
    return Picks(*torch.tensor(rows).T)


def test_an_even_look_is_nought_in_any_size():
    one = head()
    with torch.no_grad():
        one.query.weight.zero_(), one.query.bias.zero_()
    assert (one.attend(QUERIES, MEMORY).abs() < 1e-6).all()
    real = torch.arange(12) < torch.tensor([[12], [5]])
    logs = one.attend(QUERIES, MEMORY, real)
    assert (logs[:, 1, ..., 5:] == LEAST).all() and (logs[:, 1, ..., :5].abs() < 1e-6).all()


def test_log_attention_by_its_definition():
    one = head()
    logs = one.attend(QUERIES, MEMORY)
    assert logs.shape == (3, 2, 5, 4, 12)
    q = one.query(QUERIES[2, 1, 4])[4:8]  # head 1 of 4 has these channels
    k = one.key(MEMORY[1])[:, 4:8]  # (T, 4)
    torch.testing.assert_close(logs[2, 1, 4, 1], (12 * (k @ q / 2).softmax(dim=0)).log())


def test_the_first_convolution_is_that_of_features_and_attention_side_by_side():
    one = head(levels=1)
    features, logs = one.read(PYRAMID[1:]), one.attend(QUERIES, MEMORY)
    masks = one(logs, features, picks((2, 1, 4)))
    side_by_side = torch.cat([logs[2, 1, 4].view(4, 3, 4), PYRAMID[1][1]])[None]
    weight = torch.cat([one.attention.weight, one.features[0].weight], dim=1)
    x = F.conv2d(side_by_side, weight, one.features[0].bias, padding=1)
    torch.testing.assert_close(masks, one.out(F.relu(one.norms[0](x)))[:, 0])


def test_a_mask_does_not_depend_on_which_others_are_drawn():
    one = head()
    features, logs = one.read(PYRAMID), one.attend(QUERIES, MEMORY)
    both = one(logs, features, picks((0, 1, 3), (2, 0, 4)))
    assert both.shape == (2, 6, 8)
    torch.testing.assert_close(one(logs, features, picks((2, 0, 4))), both[1:])
    assert one(logs, features, Picks(*torch.zeros(3, 0).long())).shape == (0, 6, 8)


def test_class_and_box():
    queries = seeded(3, 2, 5, 16)
    assert ClassHead(16, 3)(queries).shape == (3, 2, 5, 4)
    boxes = QueryBoxHead(16)(queries)
    assert boxes.shape == (3, 2, 5, 4) and (boxes > 0).all() and (boxes < 1).all()


def test_boxes_there_and_back_in_images_of_two_sizes():
    sizes = torch.tensor([[10, 40], [100, 20]])
    shares = torch.tensor([[[0.5, 0.5, 0.25, 1.0]], [[0.5, 0.25, 1.0, 0.5]]])
    pixels = boxes_in_pixels(shares, sizes)
    assert pixels.tolist() == [[[15, 0, 25, 10]], [[0, 0, 20, 50]]]
    torch.testing.assert_close(boxes_as_shares(pixels, sizes), shares)
