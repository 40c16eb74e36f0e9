"""Pictures of units 40 to 42: the RPN's answer, targets of masks, the course of a training.

The numbers come from `minseg.experiments.mask_rcnn_probes` and `minseg.train`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, INSTANCE_COLOURS, POOL_COLOUR, TRUTH_COLOUR, figure
from minseg.draw.segmentation import draw_boxes, draw_image, draw_instances
from minseg.instances import Instances
from minseg.train import Example, TrainingResult

MEAN = 10  # steps that a point of a loss's curve is the mean of


def draw_objectness(
    image: Tensor, things: Tensor, objectness: Tensor, boxes: Tensor, cells: Sequence[int]
) -> Figure:
    """The best of the three anchors at each cell, level by level, and the proposals.

    Args:
        image: (3, H, H).
        things: (N, 4) true boxes, drawn dashed on each level.
        objectness: (A,) probabilities.
        boxes: (R, 4) proposals.
        cells: along a side of each level; A = 3 Σ cells².
    """
    fig, axes = figure(columns=len(cells) + 1, height=265)
    parts = objectness.split([3 * n * n for n in cells])
    for ax, part, n in zip(axes[:-1], parts, cells, strict=True):
        best = part.view(n, n, 3).amax(dim=2)
        draw_image(ax, best, f"stride {image.shape[2] // n}: {len(part)} anchors", limits=(0, 1))
        draw_boxes(ax, things * n / image.shape[2], TRUTH_COLOUR, linestyle="--", width=1.2)
    draw_image(axes[-1], image, f"the {len(boxes)} best proposals")
    draw_boxes(axes[-1], boxes, ALIGN_COLOUR, width=0.8)
    return fig


def draw_mask_targets(image: Tensor, boxes: Tensor, targets: Tensor, answers: Tensor) -> Figure:
    """Proposals on the image; beside it their targets, above the model's answers.

    Args:
        image: (3, H, W).
        boxes: (P, 4) proposals.
        targets, answers: (P, m, m), from 0 to 1.
    """
    ratios = (2.0, *(1.0 for _ in boxes))
    fig, axes = figure(columns=len(ratios), rows=2, height=320, width_ratios=ratios)
    grid = axes[0, 0].get_gridspec()
    for ax in axes[:, 0]:
        ax.remove()
    whole = fig.add_subplot(grid[:, 0])  # as high as a target and an answer
    draw_image(whole, image, "proposals")
    draw_boxes(whole, boxes, ALIGN_COLOUR, width=1)
    style: dict[str, Any] = {"color": "white", "backgroundcolor": ALIGN_COLOUR, "fontsize": 9}
    for k, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        corner = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))[k % 4]  # or numbers hide each other
        whole.text(*corner, str(k + 1), ha="center", va="center", **style)
        draw_image(axes[0, k + 1], targets[k], f"target {k + 1}", limits=(0, 1))
        draw_image(axes[1, k + 1], answers[k], f"answer {k + 1}", limits=(0, 1))
    return fig


def draw_training(
    result: TrainingResult,
    names: Sequence[str],
    seen: Sequence[Example],
    found: Sequence[Instances],
) -> Figure:
    """The losses over steps, then one picture for each scene: what was found there.

    Args:
        result: of `minseg.train.train`.
        names: of the model's five losses.
        seen: scenes.
        found: what was found in each.
    """
    ratios = (1.6, *(1 for _ in seen))
    fig, axes = figure(columns=len(ratios), height=270, width_ratios=ratios)
    for name, mark in zip(names, "osvX^", strict=True):
        values = torch.tensor([row[name] for row in result.losses])  # (steps,)
        values = values[: len(values) // MEAN * MEAN].view(-1, MEAN).mean(dim=1)
        steps = MEAN * (torch.arange(len(values)) + 0.5)
        axes[0].plot(steps, values, mark + "-", markersize=4, label=name.replace("_", " "))
    axes[0].set(xlabel=f"step (means of {MEAN})", title="Five losses", ylim=(0, 1.2))
    axes[0].legend(fontsize=9, ncols=2, loc="upper right")
    for ax, scene, instances in zip(axes[1:], seen, found, strict=True):
        title = f"found {len(instances)}, there are {len(scene.instances)}"
        draw_instances(ax, scene.image, instances, title)
    return fig


def draw_moved_boxes(measured: Mapping[float, tuple[float, float]]) -> Figure:
    """What `minseg.experiments.mask_rcnn_probes.masks_in_moved_boxes` returned."""
    fig, ax = figure(width=600, height=320)
    ious, shares = zip(*measured.values(), strict=True)
    ax.plot(list(measured), shares, "--", color="black", label="share of the thing in its box")
    ax.plot(list(measured), ious, "o-", color=ALIGN_COLOUR, label="mask IoU")
    ax.set(xlabel="the box moved by, px", ylim=(0, 1.03))
    ax.set_title("The mask keeps what the box leaves it")
    ax.legend(loc="lower left")
    return fig


def draw_alignment(
    measured: Mapping[str, Sequence[float]], published: Mapping[str, float]
) -> Figure:
    """Mask AP of three ways to read a RoI: here with each seed as a dot, and as published.

    Args:
        measured: AP in percent of several seeds, by way. published: one AP, by way.
    """
    fig, axes = figure(columns=2, width=760, height=310)
    names = {"pool": "RoI pooling", "warp": "RoIWarp", "align": "RoIAlign"}
    colours = {"pool": POOL_COLOUR, "warp": INSTANCE_COLOURS[3], "align": ALIGN_COLOUR}
    labels, bars = [names[op] for op in measured], [colours[op] for op in measured]
    means = [sum(values) / len(values) for values in measured.values()]
    titles = ("200 steps, strides 4 to 16, three seeds", "the paper's, COCO, stride 16")
    for ax, title, heights in zip(axes, titles, (means, list(published.values())), strict=True):
        made = ax.bar(labels, heights, color=bars, width=0.55)
        ax.bar_label(made, fmt="{:.1f}", padding=14)
        ax.set(title=title, ylim=(0, 40))
    for k, values in enumerate(measured.values()):
        beside = torch.linspace(k - 0.1, k + 0.1, len(values))
        axes[0].plot(beside.tolist(), sorted(values), "o", color="black", ms=4)
    axes[0].set_ylabel("mask AP, percent")
    return fig
