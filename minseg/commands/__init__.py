"""The commands of `python -m minseg`: `doctor`, `train`, `predict` and `evaluate`.

Each command is a file here, its arguments beside what they start:

    add_arguments(parser)      what the command line may say
    run(options) -> int        do it; the exit status

Nothing heavy is imported before the command is known: the doctor must work where torch does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "doctor": "check that everything the lessons need is installed",
    "evaluate": "average precision or panoptic quality of predictions, in COCO's file formats",
    "train": "train a model on synthetic scenes, or on files in COCO's format",
    "predict": "what a trained model sees in pictures: pictures and COCO JSON",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status, 0 if all is well."""
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # before or after what the command itself can keep
        print("interrupted", file=sys.stderr)
        return 130  # 128 + the number of the signal, as a shell says it


def _run(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m minseg", description="minseg's commands.")
    parsers = parser.add_subparsers(dest="command", required=True)
    asked = None
    for name, about in COMMANDS.items():
        described = parsers.add_parser(name, help=about, description=about)
        if given[:1] == [name]:
            asked = import_module(f"minseg.commands.{name}")  # and no other
            asked.add_arguments(described)
    options = parser.parse_args(given)  # exits if no command was asked for
    assert asked is not None
    return asked.run(options)
