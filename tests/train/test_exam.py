"""The course's first system, from nothing to the exam, as a learner trains it."""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.metrics import average_precision
from minseg.models import MaskRCNN
from minseg.train import InMemory, train


@pytest.mark.slow
def test_a_thousand_steps_pass_the_exam():
    """About what two cores do in three minutes; with one thread, and the tests beside, in six."""
    torch.manual_seed(0)
    model = MaskRCNN()
    train(model, InMemory(SceneDataset("train"), 2000), steps=1000)
    exam = InMemory(SceneDataset("exam"))
    samples = [exam[k] for k in range(len(exam))]
    found = [model.eval().predict(sample.image[None])[0] for sample in samples]
    result = average_precision(found, [sample.instances for sample in samples])
    assert result.ap >= 0.60 and result.ap50 >= 0.80
