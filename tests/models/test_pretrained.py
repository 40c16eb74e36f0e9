"""The coin finder that comes with the package, on the photograph that it was never trained on."""

from pathlib import Path

import pytest

from minseg import models
from minseg.data import coins_truth, photo
from minseg.metrics import average_precision


def test_the_coins_of_the_photograph_are_found():
    model = models.load_coins()
    assert model.categories == (9,) and not model.training
    found = model.predict(photo("coins")[None])
    judged = average_precision(found, [coins_truth()])
    assert judged.ap50 >= 0.9
    assert (found[0].scores > 0.5).sum() == 24


def test_the_file_is_small_enough_for_a_repository():
    assert (Path(models.__file__).parent / "pretrained" / "coins.safetensors").stat().st_size < 5e6


@pytest.mark.slow
def test_more_than_a_hundred():
    """Six copies of the photograph, 144 coins."""
    image = photo("coins").repeat(1, 2, 3)
    model = models.load_coins()
    few, many = model.predict_crops([image])[0], model.predict_crops([image], most=300)[0]
    assert len(few.masks) <= 100 < len(many.masks) <= 300
