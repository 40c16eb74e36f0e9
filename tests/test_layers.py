"""Imports run one way: docs/architecture.md states the layers, and the code keeps to them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "minseg").rglob("*.py"))
STATED = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def layers() -> dict[str, int]:
    """Each room with the number of its layer, from the block in docs/architecture.md."""
    (block,) = re.findall(r"```layers\n(.*?)```", STATED, re.DOTALL)
    rows = block.strip().splitlines()
    return {room: depth for depth, row in enumerate(rows) for room in row.split()}


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "minseg"


def imports(file: Path) -> Iterator[str]:
    """Modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                longer = Path(*f"{node.module}.{alias.name}".split("."))
                is_module = (ROOT / longer).is_dir() or (ROOT / longer).with_suffix(".py").exists()
                yield f"{node.module}.{alias.name}" if is_module else str(node.module)


def test_every_room_has_a_layer():
    rooms = {room(dotted(file)) for file in FILES} - {"minseg", "__main__", "moved"}
    assert rooms == set(layers())


@pytest.mark.parametrize("file", FILES, ids=dotted)
def test_a_room_imports_only_from_layers_below(file):
    mine, depth = room(dotted(file)), layers()
    if mine in ("minseg", "__main__", "moved"):
        return  # the package itself, the command line and the table of old names see everything
    for module in imports(file):
        other = room(module) if module.split(".")[0] == "minseg" else mine
        assert other == mine or depth[other] < depth[mine], f"{mine} imports {module}"


def test_no_two_files_import_each_other():
    """No circle at all, among files: nothing depends on the order of imports."""
    known = {dotted(file) for file in FILES}
    below = {
        dotted(file): {module for module in imports(file) if module in known} for file in FILES
    }
    open_, done = [], set()

    def follow(module: str) -> None:
        assert module not in open_, " → ".join([*open_[open_.index(module) :], module])
        if module not in done:
            open_.append(module)
            for other in sorted(below[module]):
                follow(other)
            open_.pop()
            done.add(module)

    for module in sorted(below):
        follow(module)
