"""A Mask R-CNN that finds coins, trained on synthetic ones, ready to use.

`coins.safetensors` holds its weights in 16 bits, 3.8 MB. They were made from nothing by

    python benchmarks/coins.py --write

in four minutes on two cores, from 1000 scenes of `data/scenes/coins.py` and no photograph at all.
So `photo("coins")` tells what it has learnt: a photograph, where it has only ever seen scenes. What
it does not tell is how the model fares on other photographs: one image is a demonstration, no
benchmark. Unit 42.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from minseg.models.mask_rcnn.model import MaskRCNN
from minseg.models.saved import load_model


def load_coins() -> MaskRCNN:
    """The model, on the CPU and ready to predict; its only category is 9, "coin".

    Images should show coins of 15 to 70 pixels, the sizes it was trained on.
    """
    with as_file(files("minseg.models.pretrained").joinpath("coins.safetensors")) as file:
        model = load_model(file, MaskRCNN)
    assert isinstance(model, MaskRCNN)
    return model
