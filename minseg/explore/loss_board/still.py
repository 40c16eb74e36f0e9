"""A still picture of the loss board: the prediction over the truth, and the push of one loss."""

from __future__ import annotations

from minseg.draw import ALIGN_COLOUR, TRUTH_COLOUR, draw_image, figure, png
from minseg.draw.losses import draw_outline, draw_push
from minseg.experiments.loss_pair import MaskTruth, Prediction, disc, push
from minseg.explore.loss_board.numbers import TRUE_DISC


def picture(prediction: Prediction, truth: MaskTruth, loss: str) -> bytes:
    """Both panels as a PNG file."""
    true_disc = disc(*TRUE_DISC)  # smoother than the outline of its pixels
    fig, (left, right) = figure(columns=2, height=330)
    title = "The prediction; the true outline is green"
    draw_image(left, prediction.logits.sigmoid(), title, cmap="Greys", limits=(-0.1, 1.4))
    draw_outline(left, true_disc, TRUTH_COLOUR, width=3)
    draw_outline(left, prediction.distances, ALIGN_COLOUR)
    field = push(loss, prediction, truth)
    draw_push(right, field, true_disc, f"Where {loss} pushes: + up, − down")
    return png(fig)
