"""What a panoptic file says of the segments of a map: from the numbers in the PNG to ids.

    number in the PNG  →  (label, instance)  →  label × max_instances + instance

Things are numbered from 1 in the order of segments_info, stuff from 0, each class for itself.
(Kirillov et al., Panoptic Segmentation, 2019, and the format of COCO's web site.) Unit 33.
"""

from __future__ import annotations

from collections.abc import Mapping

from minseg.data.coco.categories import Category
from minseg.data.coco.png import LARGEST_COLOUR
from minseg.data.coco.records import Id, Record

STRANGER = "minseg: of no category"  # marks a segment that is read as void


def is_thing(category: Category) -> bool:
    """Whether a category is counted; ValueError if the file does not say."""
    category.record.get("isthing")
    return category.record.flag("isthing")


def drop_strangers(annotation: Record, categories: Mapping[Id, Category]) -> int:
    """Mark the segments of unknown categories; how many there are."""
    segments = list(annotation.records("segments_info", f"in {annotation.what}, segment"))
    unknown = [one for one in segments if one.id("category_id") not in categories]
    for one in unknown:
        one.values[STRANGER] = True
    annotation.values["segments_info"] = [one.values for one in segments]
    return len(unknown)


def least_divisor(annotation: Record, categories: Mapping[Id, Category]) -> int:
    """The least max_instances with which a map can be written down; its segments are checked."""
    _, _, most = _numbered(annotation, categories)
    return most + 1


def read_segments(
    annotation: Record, categories: Mapping[Id, Category], divisor: int
) -> tuple[dict[int, int], list[int]]:
    """From the numbers in the PNG to ids, and which ids are crowds."""
    numbered, crowd, _ = _numbered(annotation, categories)
    table = {n: label * divisor + instance for n, (label, instance) in numbered.items()}
    return table, [table[n] for n in crowd]


def _numbered(
    annotation: Record, categories: Mapping[Id, Category]
) -> tuple[dict[int, tuple[int, int]], list[int], int]:
    """(label, instance) of each segment number, the crowds' numbers, and the largest instance."""
    numbered: dict[int, tuple[int, int]] = {}
    crowd, count = [], dict.fromkeys(categories, 0)
    for one in annotation.records("segments_info", f"in {annotation.what}, segment"):
        number, category = one.whole("id", 1), one.id("category_id")
        if number in numbered or number > LARGEST_COLOUR:
            twice = number in numbered
            reason = "comes twice" if twice else f"is above {LARGEST_COLOUR}, no colour"
            raise one.error(f"has the id {number}, which {reason}")
        if one.has(STRANGER):
            numbered[number] = 0, 0
            continue
        if category not in categories:
            raise one.error(f"is of category {category}, which is not among the categories")
        count[category] += 1
        known = categories[category]
        numbered[number] = known.label, count[category] - (not is_thing(known))
        if one.flag("iscrowd"):
            crowd.append(number)
    return numbered, crowd, max((instance for _, instance in numbered.values()), default=0)
