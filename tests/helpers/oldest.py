"""The oldest releases that pyproject.toml promises, as requirements: `python oldest.py lab test`.

Each lower bound becomes the version: numpy>=2 is numpy==2. Needs nothing but Python.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def oldest(*extras: str, text: str | None = None) -> list[str]:
    """Requirements of the package and of these extras, each at its lower bound."""
    project = tomllib.loads(text or PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return [requirement.replace(">=", "==") for requirement in wanted]


if __name__ == "__main__":
    print("\n".join(oldest(*sys.argv[1:])))
