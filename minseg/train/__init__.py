"""Training: one loop for every model, and what it takes to trust it."""

from minseg.data.example import Example
from minseg.data.in_memory import InMemory
from minseg.train.augment import augment_photo, augment_scene, augment_symmetries
from minseg.train.checkpoint import load_model, save_model
from minseg.train.interrupt import Interrupted
from minseg.train.loop import train
from minseg.train.run import TrainingResult
from minseg.train.validate import validate

__all__ = [
    "Example",
    "InMemory",
    "Interrupted",
    "TrainingResult",
    "augment_photo",
    "augment_scene",
    "augment_symmetries",
    "load_model",
    "save_model",
    "train",
    "validate",
]
