"""Numbers as pictures: signs have colours, and zero is white."""

import torch

from minseg.explore.base.colours import DOWN, UP, data_url, signed


def test_signs_have_colours_and_zero_is_white():
    picture = signed(torch.tensor([[3.0, 0.0], [-3.0, 1.5]]))
    torch.testing.assert_close(picture[:, 0, 0], torch.tensor(UP) / 255)
    torch.testing.assert_close(picture[:, 1, 0], torch.tensor(DOWN) / 255)
    assert (picture[:, 0, 1] == 1).all()
    torch.testing.assert_close(picture[:, 1, 1], (1 + torch.tensor(UP) / 255) / 2)
    assert (signed(torch.zeros(2, 2)) == 1).all()


def test_a_url_holds_a_png():
    assert data_url(torch.zeros(3, 2, 2)).startswith("data:image/png;base64,iVBOR")
