"""Refuse files beyond 4 MB, for what is committed once stays in every clone: python … FILE …"""

import sys
from pathlib import Path

MOST = 4 * 2**20


def large(names: list[str]) -> list[str]:
    """A line for each file that is too large."""
    found = [(Path(name).stat().st_size, name) for name in names if Path(name).is_file()]
    return [f"{name}: {size / 2**20:.1f} MB, at most 4" for size, name in found if size > MOST]


if __name__ == "__main__":
    lines = large(sys.argv[1:])
    print("\n".join(lines))
    sys.exit(bool(lines))
