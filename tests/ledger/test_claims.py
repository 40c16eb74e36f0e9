"""Every claim is measured again: its function runs, and supports the verdict beside it."""

import re

import pytest

from minseg.ledger import entries, measure

SLOW = {"C09", "C15", "C20", "C37", "C54", "C57", "C86", "C87"}  # two seconds and more


def each():
    return [
        pytest.param(id, marks=pytest.mark.slow) if id in SLOW else id for id in sorted(entries())
    ]


@pytest.mark.parametrize("id", each())
def test_the_measurement_supports_the_verdict(id):
    found = measure(id)
    assert found.supports is True, f"{id}, {entries()[id]['verdict']}: {found.text}"
    assert found.text.endswith(".")
    assert not re.search(r"\b(nan|inf)\b", found.text), found.text


def test_a_changed_measurement_is_noticed(monkeypatch):
    """A canary: RoI pooling that forgets its ceiling no longer does what C38 says of it."""
    from minseg.ledger import rounding

    monkeypatch.setattr(rounding, "roi_pool", lambda maps, rois, bins: maps[:, :, :bins, :bins])
    assert measure("C38").supports is False


def test_a_changed_record_is_noticed(monkeypatch):
    from minseg.ledger import masks_and_boxes

    level = {"pool": [0.05, 0.05], "warp": [0.05, 0.05], "align": [0.05, 0.06]}
    monkeypatch.setattr(masks_and_boxes, "result", lambda name: {"stride16": level})
    assert measure("C42").supports is False
