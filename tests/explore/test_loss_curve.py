"""The curve of a loss: its running mean, and pictures that take little time."""

import time

import pytest

from minseg.explore import LossCurve


def row(step: int, loss: float) -> dict[str, float]:
    return {"step": step, "loss": loss, "mask": loss / 2}


def test_the_mean_is_the_definition() -> None:
    curve = LossCurve("mask")
    for step, loss in enumerate([4.0, 2.0, 0.0], start=1):
        curve(row(step, loss))
    assert curve.points == [(1, 2.0), (2, 1.0), (3, 0.0)]
    assert curve.mean == pytest.approx([2.0, 0.95 * 2 + 0.05, 0.95 * (0.95 * 2 + 0.05)])


def test_pictures_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand steps in no time give one picture, and the last step always one."""
    curve, drawn = LossCurve(steps=1000), []
    monkeypatch.setattr(curve, "picture", lambda: drawn.append(len(curve.points)) or b"png")
    began = time.perf_counter()
    for step in range(1, 1001):
        curve(row(step, 1.0))
    assert len(drawn) <= 2 + 2 * (time.perf_counter() - began)
    assert drawn[0] == 1 and drawn[-1] == 1000


def test_what_a_notebook_stores_does_not_depend_on_the_numbers() -> None:
    curve = LossCurve()
    before = curve._repr_mimebundle_()[0]["text/plain"]
    first = bytes(curve.value)
    curve(row(1, 3.0))
    assert bytes(curve.value) != first and bytes(curve.value).startswith(b"\x89PNG")
    assert curve._repr_mimebundle_()[0]["text/plain"] == before == repr(curve)
