"""Category ids of a file are names; labels are what tensors hold, whole numbers from 1 on.

In a tensor a label must be a number, and in a panoptic map 0 is void. Files know no such rule:
detectron2, Label Studio and Roboflow count from 0, others write texts. So

    label = the file's id        where all ids of the file are whole numbers from 1 on
    label = 1, 2, 3 …            otherwise, in the order of the ids (numbers first, then texts)

and `ids` maps labels back when something is written or printed.
"""

from __future__ import annotations

from dataclasses import dataclass

from minseg.data.coco.records import Id, Record

LARGEST_LABEL = 2**31 - 1  # label × max_instances must fit 64 bits


@dataclass(frozen=True)
class Category:
    """One category of a file: its id there, its name, its label here, and whether it is counted."""

    id: Id
    name: str
    label: int
    record: Record


def read_categories(top: Record) -> dict[Id, Category]:
    """The categories of a file by its own ids, in the order of the file.

    Raises:
        ValueError: if an id is no id, or is there twice.
    """
    records: dict[Id, Record] = {}
    for one in top.records("categories", "category"):
        number = one.id("id")
        if number in records:
            raise one.error(f"repeats the id {number}")
        records[number] = one
    labels = labels_of(list(records))
    return {
        number: Category(
            number, one.text("name") if one.has("name") else str(number), labels[number], one
        )
        for number, one in records.items()
    }


def labels_of(ids: list[Id]) -> dict[Id, int]:
    """The label of each id.

    Example:
        >>> labels_of([7, 3]), labels_of([1, 0]), labels_of(["b", "a"])
        ({7: 7, 3: 3}, {1: 2, 0: 1}, {'b': 2, 'a': 1})
    """
    if all(isinstance(one, int) and 0 < one <= LARGEST_LABEL for one in ids):
        return {one: int(one) for one in ids}
    in_order = sorted(ids, key=lambda one: (isinstance(one, str), one))
    number = {one: label for label, one in enumerate(in_order, 1)}
    return {one: number[one] for one in ids}
