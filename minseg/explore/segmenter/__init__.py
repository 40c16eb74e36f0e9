"""The segmenter: a photograph, what a trained network sees in it, and a threshold to drag."""

from minseg.explore.segmenter.numbers import noisy_coins
from minseg.explore.segmenter.widget import Segmenter

__all__ = ["Segmenter", "noisy_coins"]
