"""The loss while a model trains, drawn as it falls."""

from minseg.explore.loss_curve.widget import LossCurve

__all__ = ["LossCurve"]
