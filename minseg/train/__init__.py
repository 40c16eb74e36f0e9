"""Training: one loop for every model, and what it takes to trust it.

Read `loop` first, then `step`; `docs/follow-one-step.md` goes with you. Then what a step needs:

    batches, augment     which images, with which seeds, as they are seen
    muon, schedule       how far the weights move, and when
    validate             how good the model is on images that it has not learnt from

and what a run needs that is kept, or that several processes share:

    run_folder, checkpoint, log     what is on the disk, and how a run goes on from there
    interrupt, distributed          Ctrl-C in good order; torchrun
"""

from minseg.data.example import Example
from minseg.data.in_memory import InMemory
from minseg.models.saved import load_model, save_model
from minseg.train.augment import augment_photo, augment_scene, augment_symmetries
from minseg.train.interrupt import Interrupted
from minseg.train.log import TrainingResult
from minseg.train.loop import train
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
