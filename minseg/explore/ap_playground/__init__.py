"""The AP playground: ten detections to drag and to score, and the curve that they make."""

from minseg.explore.ap_playground.numbers import DETECTIONS, SCORES, TRUTHS
from minseg.explore.ap_playground.widget import APPlayground

__all__ = ["DETECTIONS", "SCORES", "TRUTHS", "APPlayground"]
