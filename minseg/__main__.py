"""The command line: `python -m minseg doctor`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status, 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m minseg", description="minseg's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="check that everything the lessons need is installed")
    parser.parse_args(arguments)

    from minseg.course import doctor

    return 0 if doctor() else 1


if __name__ == "__main__":
    sys.exit(main())
