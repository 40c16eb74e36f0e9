"""The order in which tests and lessons begin: what takes longest first, all else as it is found.

pytest-xdist hands out a file at a time. A long one that began last would keep one core busy while
the others had nothing left to do.
"""

import pytest

# Parts of paths; each took more than 15 seconds of a core, the longest first (2026-11).
LONGEST = (
    "lessons/42_",
    "tests/kernels/test_kernels",
    "tests/course/test_exercises",
    "tests/train/test_distributed",
    "tests/browser/",
    "lessons/44_",
    "tests/test_lessons",
    "lessons/24_",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort by the list above; within a file, and beyond the list, the order stays."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(config.rootpath).as_posix()
        return next((k for k, part in enumerate(LONGEST) if path.startswith(part)), len(LONGEST))

    items.sort(key=place)
