"""The command line: `python -m minseg doctor` and `python -m minseg evaluate`.

Nothing heavy is imported before the command is known: the doctor must work where torch does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status, 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m minseg", description="minseg's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="check that everything the lessons need is installed")
    about = "average precision or panoptic quality of predictions, in COCO's file formats"
    _add_evaluate_arguments(commands.add_parser("evaluate", help=about, description=about))
    options = parser.parse_args(arguments)
    if options.command == "evaluate":
        from minseg.evaluate import run

        return run(options)

    from minseg.course import doctor

    return 0 if doctor() else 1


def _add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("panoptic", "mask", "box", "boundary"), required=True)
    parser.add_argument("--truth", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--predictions", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--truth-folder", metavar="DIR", help="its PNGs, if not beside it")
    parser.add_argument("--predictions-folder", metavar="DIR", help="its PNGs, if not beside it")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


if __name__ == "__main__":
    sys.exit(main())
