"""The bar that training must pass: a network that has learnt from nothing sits the exam.

Minutes, so it is run by `make test-slow`, one process with all cores and nothing beside it.
"""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.metrics import average_precision
from minseg.models import MaskRCNN
from minseg.train import InMemory, train

pytestmark = pytest.mark.long


def test_a_thousand_steps_of_mask_rcnn_pass_the_exam():
    """What two cores with fast bfloat16 do in three minutes; others take three times as long."""
    torch.manual_seed(0)
    model = MaskRCNN()
    train(model, InMemory(SceneDataset("train"), 2000), steps=1000)
    exam = InMemory(SceneDataset("exam"))
    samples = [exam[k] for k in range(len(exam))]
    found = [model.eval().predict(sample.image[None])[0] for sample in samples]
    result = average_precision(found, [sample.instances for sample in samples])
    assert result.ap >= 0.60 and result.ap50 >= 0.80
