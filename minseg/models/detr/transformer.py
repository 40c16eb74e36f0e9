"""The transformer: pixels talk to one another, then queries to the pixels and to one another.

    encoder, 3 times     x ← x + Attention(x, x)            every cell reads all cells
                         x ← x + MLP(x)
    decoder, 3 times     q ← q + Attention(q, q)            who has which object?
                         q ← q + Attention(q, x)            what is there?
                         q ← q + MLP(q)

A *query* is a slot for one object: a learnt vector that goes in and comes out with what it found.
Attention among the queries is how they agree: without it two that look at one object cannot know of
each other, and both report it. In every layer positions are added to what asks and to what is
asked. (Carion et al., End-to-End Object Detection with Transformers, 2020, section 3.2 and appendix
A.3; six and six layers of width 256 there.) Unit 54. The library's layers are
`torch.nn.TransformerEncoderLayer` and `…DecoderLayer`.

What is otherwise here is for a training of minutes instead of days. The norm comes *before* each
step, as in Xiong et al., On Layer Normalization in the Transformer Architecture, 2020, so that sums
stay sums. And a query is not a random vector at first, but the code of a point: with the first
matrices of `Attention` it looks around that point, and no two queries begin alike.

    B images, T cells of the memory, Q queries, L decoder layers
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from minseg.models.detr.attention import Attention
from minseg.models.detr.positions import sine_code, spread


class EncoderLayer(nn.Module):
    """Cells read all cells, then think."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attend = Attention(width, heads)
        self.think = mlp(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, cells: Tensor, places: Tensor, real: Tensor | None) -> Tensor:
        """Cells (B, T, width) to the same shape; places likewise, real (B, T) bool."""
        calm = self.norms[0](cells)
        cells = cells + self.attend(calm + places, calm + places, calm, real)
        return cells + self.think(self.norms[1](cells))


class DecoderLayer(nn.Module):
    """Queries read one another, then the memory, then think."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.confer = Attention(width, heads)
        self.look = Attention(width, heads)
        self.think = mlp(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(
        self, found: Tensor, slots: Tensor, memory: Tensor, places: Tensor, real: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What the queries found so far, (B, Q, width), to what they know after this layer.

        Args:
            found: (B, Q, width). slots: (B, Q, width), which query each is.
            memory: (B, T, width). places: (B, T, width). real: (B, T) bool.

        Returns:
            (B, Q, width), and (B, heads, Q, T), the logarithm of where each looked.
        """
        calm = self.norms[0](found)
        found = found + self.confer(calm + slots, calm + slots, calm)
        asking = self.norms[1](found) + slots
        read, looks = self.look.look(asking, memory + places, memory, real)
        found = found + read
        return found + self.think(self.norms[2](found)), looks


class Encoder(nn.Module):
    """Some layers in a row, and a norm at the end."""

    def __init__(self, layers: int, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, cells: Tensor, places: Tensor, real: Tensor | None = None) -> Tensor:
        """Cells (B, T, width) to the memory, (B, T, width)."""
        for layer in self.layers:
            cells = layer(cells, places, real)
        return self.norm(cells)


class Decoder(nn.Module):
    """Q learnt queries and some layers in a row.

    Args:
        queries: Q, the most objects that can be found in an image.
        layers, width, heads, hidden: how many layers, and of which size.
    """

    def __init__(self, queries: int, layers: int, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.slots = nn.Parameter(sine_code(spread(queries), width))
        self.layers = nn.ModuleList(DecoderLayer(width, heads, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, memory: Tensor, places: Tensor, real: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the queries find in a memory (B, T, width).

        Returns:
            (L, B, Q, width) the queries after each layer, and (L, B, heads, Q, T) float32, the
            logarithm of where they looked in it.
        """
        slots = self.slots.expand(len(memory), -1, -1)
        found, after, looks = slots, [], []
        for layer in self.layers:
            found, looked = layer(found, slots, memory, places, real)
            after.append(self.norm(found))
            looks.append(looked)
        return torch.stack(after), torch.stack(looks)


def mlp(width: int, hidden: int) -> nn.Sequential:
    """Two matrices with a ReLU in between, for each token by itself."""
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, width))
