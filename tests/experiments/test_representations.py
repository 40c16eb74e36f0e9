"""Masks written and read again: exact where they must be, and priced by one rule."""

import pytest
import torch

from minseg.experiments.representations import (
    CONTROLS,
    HARMONICS,
    KINDS,
    SIZE,
    THINGS,
    parts_and_holes,
    ring_of,
    specimen,
    sweep,
    write,
)
from minseg.metrics import boundary_iou, mask_iou

TOPOLOGY = {"star": (1, 0), "disc": (1, 0), "ring": (1, 1), "two parts": (2, 0), "coin": (1, 0)}


@pytest.mark.parametrize("thing", THINGS)
def test_specimens_are_what_their_names_say(thing: str) -> None:
    mask = specimen(thing)
    assert mask.shape == (SIZE, SIZE) and mask.dtype == torch.bool
    assert parts_and_holes(mask) == TOPOLOGY[thing]
    frame = torch.cat([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert not frame.any(), "an object that touches the frame has no closed outline"


def test_parts_meet_along_sides_and_holes_along_corners() -> None:
    corner = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=torch.bool)
    assert parts_and_holes(corner) == (2, 0)
    assert parts_and_holes(torch.zeros(3, 3, dtype=torch.bool)) == (0, 0)
    assert parts_and_holes(torch.tensor([[1, 1, 1], [1, 0, 1], [1, 1, 1]]).bool()) == (1, 1)
    assert parts_and_holes(torch.tensor([[0, 1, 1], [1, 0, 1], [1, 1, 1]]).bool()) == (1, 0)


@pytest.mark.parametrize("thing", THINGS)
def test_the_dearest_polygon_is_exact(thing: str) -> None:
    assert torch.equal(sweep(thing, "polygon")[-1].mask, specimen(thing))


@pytest.mark.parametrize("kind", ["Fourier", "B-spline"])
def test_one_curve_has_no_hole_and_one_part_at_any_price(kind: str) -> None:
    assert parts_and_holes(sweep("ring", kind)[-1].mask) == (1, 0)
    lost = specimen("two parts") & ~sweep("two parts", kind)[-1].mask
    assert parts_and_holes(lost)[0] == 1 and lost.sum() > 700  # the smaller disc


@pytest.mark.parametrize("kind", ["grid of shares", "grid of distances", "polygon"])
@pytest.mark.parametrize("thing", THINGS)
def test_the_others_write_any_topology_and_come_near(kind: str, thing: str) -> None:
    last = sweep(thing, kind)[-1]
    assert parts_and_holes(last.mask) == TOPOLOGY[thing] and last.iou > 0.99


@pytest.mark.parametrize(
    ("kind", "budget", "size"),
    [
        ("binary grid", 3, 16 + 2),  # 9 bits are two bytes
        ("grid of shares", 7, 16 + 49),
        ("grid of distances", 7, 49),
        ("Fourier", 4, 9 * 8),
        ("B-spline", 10, 80),
    ],
)
def test_bytes_are_counted_by_one_rule(kind: str, budget: int, size: int) -> None:
    assert write(specimen("coin"), kind, budget).size == size


def test_polygons_cost_eight_bytes_for_each_corner_and_move_by_their_tolerance() -> None:
    one = write(specimen("two parts"), "polygon", 1.0)
    assert one.size == 8 * len(one.marks) == 8 * sum(map(len, one.outline))
    assert one.what == f"{len(one.marks)} corners in 2 polygons"
    assert one.iou > 0.96


@pytest.mark.parametrize("kind", KINDS)
def test_more_bytes_at_every_step_and_figures_of_the_metrics(kind: str) -> None:
    for thing in THINGS:
        steps, mask = sweep(thing, kind), specimen(thing)
        sizes = [one.size for one in steps]
        assert sizes == sorted(set(sizes)) and len(steps) >= 8
        for one in steps[::4]:
            assert one.iou == mask_iou(mask[None], one.mask[None]).item()
            assert one.boundary_iou == boundary_iou(mask[None], one.mask[None]).item()


def test_outlines_run_between_the_pixels_of_what_comes_back() -> None:
    for kind in KINDS:
        one = write(specimen("disc"), kind, 1 if kind == "polygon" else 12)
        points = torch.cat(one.outline)
        inside = one.mask[points[:, 1].long().clamp(0, 95), points[:, 0].long().clamp(0, 95)]
        assert 0.1 < inside.double().mean() < 0.9
        middle = (points.amin(dim=0) + points.amax(dim=0)) / 2
        assert middle.tolist() == pytest.approx([48, 48], abs=0.35), kind  # half a pixel is seen
        assert (points - middle).norm(dim=1).mean().item() == pytest.approx(40, abs=1.5)


def test_two_harmonics_less_one_are_a_circle() -> None:
    radius = (write(specimen("disc"), "Fourier", 1).outline[0] - 48).norm(dim=1)
    assert radius.min() > 39.5 and radius.max() < 40.5
    assert min(HARMONICS) == 1 and min(CONTROLS) == 4


def test_ring_of_takes_the_largest_outer_ring() -> None:
    radius = (ring_of(specimen("ring")) - 48).norm(dim=1)
    assert radius.min() > 39  # not the hole's
    assert ring_of(specimen("two parts"))[:, 0].max() < 60  # the larger disc, on the left
