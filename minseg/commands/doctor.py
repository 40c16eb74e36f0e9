"""The command `python -m minseg doctor`: whether everything is here that the lessons need.

The check-up itself is `minseg.course.doctor`. Where not even that can be imported, the package that
is missing is named all the same.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(options: argparse.Namespace) -> int:
    """Check and print; the exit status: 0, or 1 if something is missing."""
    try:
        from minseg.course import doctor
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("minseg"):
            raise
        print(f"missing   {error.name}: not installed")
        print('          → python -m pip install -e ".[lab]"')
        return 1
    return 0 if doctor() else 1
