"""The backbone: strides, widths, and that every level sees the coarser ones."""

import pytest
import torch

from minseg.models import FPN, Backbone, ResNet

NARROW = {"widths": (8, 8, 16, 16), "channels": 8}


@pytest.mark.parametrize("strides", [(4, 8, 16), (2, 4, 8, 16), (8,), (2, 4)])
def test_levels_have_the_strides_asked_for(strides):
    pyramid = Backbone(strides=strides, **NARROW)(torch.rand(2, 3, 64, 32))
    assert [tuple(p.shape) for p in pyramid] == [(2, 8, 64 // s, 32 // s) for s in strides]


def test_four_levels_to_stride_32():
    net = Backbone(widths=(8,) * 5, blocks=(0, 1, 1, 1, 1), strides=(4, 8, 16, 32), channels=8)
    assert net(torch.rand(1, 3, 64, 64))[-1].shape == (1, 8, 2, 2)


def test_no_stage_is_built_that_no_level_reads():
    net = Backbone(strides=(4, 8), **NARROW)
    pyramid = net(torch.rand(1, 3, 32, 32))
    sum(p.sum() for p in pyramid).backward()
    assert all(p.grad is not None for p in net.parameters())


def test_the_finest_level_sees_the_coarsest_and_not_the_other_way():
    fpn = FPN((8, 8), 8)
    fine, coarse = torch.rand(1, 8, 8, 8), torch.rand(1, 8, 4, 4)
    fine.requires_grad_()
    coarse.requires_grad_()
    outputs = fpn([fine, coarse])
    outputs[0].square().sum().backward(retain_graph=True)
    assert coarse.grad.abs().sum() > 0
    fine.grad = None
    (outputs[1].square().sum() + 0 * fine.sum()).backward()
    assert fine.grad.abs().sum() == 0


def test_an_image_is_normalised_by_itself():
    """BatchNorm would mix the images of a batch."""
    torch.manual_seed(0)
    net, images = ResNet((8, 8), (0, 1)), torch.rand(2, 3, 16, 16)
    images[1] *= 50
    torch.testing.assert_close(net(images)[1][:1], net(images[:1])[1])


@pytest.mark.parametrize("strides", [(), (3,), (4, 16), (16, 8), (4, 8, 16, 32)])
def test_refuses_strides_it_has_no_stage_for(strides):
    with pytest.raises(ValueError, match=r"strides must be neighbours among \[2, 4, 8, 16\]"):
        Backbone(strides=strides, **NARROW)


def kept_for_backward(network, images):
    """What a forward pass gives, and the bytes of the different tensors that it keeps."""
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        maps = network(images)
    return maps, sum(kept.values())


def test_checkpointing_keeps_the_inputs_of_stages_only():
    network, images = ResNet(), torch.rand(2, 3, 64, 64)
    due, plain = kept_for_backward(network, images)
    network.checkpointing = True
    maps, kept = kept_for_backward(network, images)
    assert kept < 0.4 * plain
    assert all(torch.equal(a, b) for a, b in zip(due, maps, strict=True))
