"""The transformer: what may influence what, and what must not."""

import torch

from minseg.models.detr.positions import cell_centres, sine_code, spread
from minseg.models.detr.transformer import Decoder, Encoder


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made(kind, *arguments):
    torch.manual_seed(0)
    return kind(*arguments)


CELLS, PLACES = seeded(2, 6, 16), seeded(2, 6, 16, seed=1)


def test_cells_know_where_they_are_by_their_places_alone():
    """Cells that change seats take their answers along; places that stay behind change them."""
    encoder, order = made(Encoder, 2, 16, 4, 32), torch.tensor([3, 0, 5, 1, 4, 2])
    memory = encoder(CELLS, PLACES)
    moved = encoder(CELLS[:, order], PLACES[:, order])
    torch.testing.assert_close(moved, memory[:, order])
    assert not torch.allclose(encoder(CELLS[:, order], PLACES), memory[:, order], atol=1e-2)


def test_queries_see_places():
    decoder = made(Decoder, 4, 2, 16, 4, 32)
    found, shuffled = (decoder(CELLS, places)[0] for places in (PLACES, PLACES.flip(1)))
    assert not torch.allclose(found, shuffled, atol=1e-2)


def test_every_query_hears_of_every_other():
    """Without it, two queries that see one object could not know of each other."""
    decoder = made(Decoder, 4, 2, 16, 4, 32)
    before = decoder(CELLS, PLACES)[0][-1]
    with torch.no_grad():
        decoder.slots[2] += 1
    change = (decoder(CELLS, PLACES)[0][-1] - before).abs().amax(dim=(0, 2))
    assert (change > 1e-3).all()


def test_queries_in_another_order_find_the_same():
    decoder = made(Decoder, 4, 2, 16, 4, 32)
    before, looks = decoder(CELLS, PLACES)
    with torch.no_grad():
        decoder.slots.copy_(decoder.slots.flip(0))
    after, looks_after = decoder(CELLS, PLACES)
    torch.testing.assert_close(after, before.flip(2))
    torch.testing.assert_close(looks_after, looks.flip(3))


def test_padding_changes_nothing():
    encoder, decoder = made(Encoder, 2, 16, 4, 32), made(Decoder, 4, 2, 16, 4, 32)
    memory = encoder(CELLS, PLACES)
    longer = torch.cat([CELLS, seeded(2, 3, 16, seed=5)], dim=1)
    places = torch.cat([PLACES, seeded(2, 3, 16, seed=6)], dim=1)
    real = (torch.arange(9) < 6).expand(2, -1)
    padded = encoder(longer, places, real)
    torch.testing.assert_close(padded[:, :6], memory)
    found, looks = decoder(memory, PLACES)
    found_in_padded, padded_looks = decoder(padded, places, real)
    torch.testing.assert_close(found_in_padded, found)
    assert (padded_looks[..., 6:].exp() == 0).all()
    torch.testing.assert_close(padded_looks[..., :6], looks)


def test_at_first_a_query_looks_around_its_own_point():
    """Cells within a quarter of the image are looked at more than twice as much as others."""
    decoder = made(Decoder, 9, 1, 64, 8, 32)
    centres = cell_centres(torch.tensor([[64, 64]]), (8, 8), 8).flatten(0, 2)
    places = sine_code(centres, 64)[None]
    looks = decoder(torch.zeros_like(places), places)[1][0, 0].exp().mean(dim=0)  # (Q, T)
    near = torch.cdist(spread(9), centres) < 0.25
    for look, close in zip(looks, near, strict=True):
        assert look[close].mean() > 2 * look[~close].mean()


def test_where_queries_look():
    looks = made(Decoder, 4, 3, 16, 2, 32)(CELLS, PLACES)[1]
    assert looks.shape == (3, 2, 2, 4, 6)
    torch.testing.assert_close(looks.exp().sum(dim=4), torch.ones(3, 2, 2, 4))


def test_one_layer_is_the_sum_that_the_docstring_says():
    decoder = made(Decoder, 4, 1, 16, 4, 32)
    layer, slots = decoder.layers[0], decoder.slots.expand(2, -1, -1)
    q = slots
    n = layer.norms[0](q)
    q = q + layer.confer(n + slots, n + slots, n)
    q = q + layer.look(layer.norms[1](q) + slots, CELLS + PLACES, CELLS)
    q = q + layer.think(layer.norms[2](q))
    torch.testing.assert_close(decoder(CELLS, PLACES)[0][0], decoder.norm(q))
