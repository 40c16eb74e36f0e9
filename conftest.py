"""The order in which tests and lessons begin: what takes longest first, all else as it is found.

pytest-xdist hands out a file at a time. A long one that began last would keep one core busy while
the others had nothing left to do.
"""

import pytest

# Parts of paths; each took more than 15 seconds of a core, the longest first (2026-11).
LONGEST = (
    "tests/kernels/test_kernels",
    "tests/browser/",
    "tests/train/test_distributed",
    "tests/course/test_exercises",
    "tests/ledger",
    "tests/test_lessons",
    "lessons/45_",
    "lessons/43_",
    "lessons/15_",
    "lessons/91_",
    "lessons/92_",
    "lessons/24_",
    "lessons/14_",
    "lessons/00_",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort by the list above; within a file, and beyond the list, the order stays."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(config.rootpath).as_posix()
        return next((k for k, part in enumerate(LONGEST) if path.startswith(part)), len(LONGEST))

    items.sort(key=place)
