"""The heads: classes, boxes, and masks from where a query looks."""

import torch
import torch.nn.functional as F

from minseg.models.detr.heads import ClassHead, QueryBoxHead, boxes_as_shares, boxes_in_pixels
from minseg.models.detr.mask_head import LEAST, Picks, QueryMaskHead, against_even


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def head(**options):
    torch.manual_seed(0)
    narrow = {"heads": 4, "channels": 8, "levels": 2, "inner": 8}
    return QueryMaskHead(**narrow | options)


LOOKS = seeded(3, 2, 4, 5, 12).log_softmax(dim=4)  # L, B, heads, Q; T = 3 × 4
PYRAMID = [seeded(2, 8, 6, 8, seed=2), seeded(2, 8, 3, 4, seed=3)]


def picks(*rows):
    return Picks(*torch.tensor(rows).T)


def test_an_even_look_is_nought_in_any_size():
    logs = against_even(torch.full((2, 4, 5, 12), 1 / 12).log())
    assert (logs.abs() < 1e-6).all()
    real = torch.arange(12) < torch.tensor([[12], [5]])
    shares = real / real.sum(dim=1, keepdim=True)  # (B, T)
    logs = against_even(shares.log()[:, None, None].expand(2, 4, 5, 12), real)
    assert (logs[1, ..., 5:] == LEAST).all() and (logs[1, ..., :5].abs() < 1e-6).all()


def test_the_first_convolution_is_that_of_features_and_attention_side_by_side():
    one = head(levels=1)
    masks = one(LOOKS, one.read(PYRAMID[1:]), picks((2, 1, 4)))
    own = (12 * LOOKS[2, 1, :, 4].exp()).log().view(4, 3, 4)  # one map for each head
    side_by_side = torch.cat([own, PYRAMID[1][1]])[None]
    weight = torch.cat([one.attention.weight, one.features[0].weight], dim=1)
    x = F.conv2d(side_by_side, weight, one.features[0].bias, padding=1)
    expected = one.out(F.relu(one.norms[0](x)))[:, 0] + own.mean(dim=0)
    torch.testing.assert_close(masks, expected)


def test_a_mask_does_not_depend_on_which_others_are_drawn():
    one = head()
    features = one.read(PYRAMID)
    both = one(LOOKS, features, picks((0, 1, 3), (2, 0, 4)))
    assert both.shape == (2, 6, 8)
    torch.testing.assert_close(one(LOOKS, features, picks((2, 0, 4))), both[1:])
    assert one(LOOKS, features, Picks(*torch.zeros(3, 0).long())).shape == (0, 6, 8)


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
