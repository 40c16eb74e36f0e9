"""How large each package is, as a table in Markdown: `make size`.

    python benchmarks/size.py

Files, lines, the median file, docstrings and comments as a share of lines, and the longest
function without its docstring. A drift shows here before a reader feels it: a package whose median
file grows past what fits into a head, a function of two screens, code that nothing explains. Needs
nothing but Python.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Size(NamedTuple):
    """One file: lines in all, of docstrings, with a comment; its longest function."""

    lines: int
    docstrings: int
    comments: int
    longest: tuple[int, str]  # lines without its docstring, and name


def size_of(text: str) -> Size:
    """Count one file's text."""
    tree = ast.parse(text)
    docstrings = sum(length(found) for found in docstrings_of(tree))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    functions = [(code(n), n.name) for n in ast.walk(tree) if isinstance(n, DEFINITIONS)]
    return Size(len(text.splitlines()), docstrings, len(comments), max(functions, default=(0, "")))


def docstrings_of(tree: ast.AST) -> Iterator[ast.stmt]:
    """The statement that is the docstring, of the module, of each class and of each function."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *DEFINITIONS)) and ast.get_docstring(node):
            yield node.body[0]


def length(node: ast.stmt) -> int:
    """Lines from the first to the last of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, so that explaining costs nothing."""
    docstring = length(function.body[0]) if ast.get_docstring(function) else 0
    return length(function) - docstring


def packages(root: Path) -> dict[str, list[Path]]:
    """Python files by package: each folder of minseg, and the other folders that have code."""
    found: dict[str, list[Path]] = {}
    for folder in ("minseg", "kernels", "benchmarks", "lessons", "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).parts
            name = "/".join(parts[:2]) if folder == "minseg" and len(parts) > 2 else folder
            found.setdefault(name, []).append(path)
    return found


def table(root: Path = ROOT) -> list[str]:
    """One row for each package, and one for all of them."""
    rows = ["| package | files | lines | median | docstrings | comments | longest function |"]
    rows += ["|:--|--:|--:|--:|--:|--:|:--|"]
    everything: list[Size] = []
    for name, paths in packages(root).items():
        sizes = [size_of(path.read_text(encoding="utf-8")) for path in paths]
        rows.append(row(name, sizes))
        everything += sizes
    return [*rows, row("all", everything)]


def row(name: str, sizes: list[Size]) -> str:
    """A package's row."""
    lines = sum(size.lines for size in sizes)
    shares = [sum(size[k] for size in sizes) / max(lines, 1) for k in (1, 2)]
    most, function = max(size.longest for size in sizes)
    median = statistics.median(size.lines for size in sizes)
    return (
        f"| {name} | {len(sizes)} | {lines} | {median:.0f} | {shares[0]:.0%} | {shares[1]:.0%} "
        f"| {most}, `{function}` |"
    )


if __name__ == "__main__":
    # Windows would write in its own encoding; typeshed knows stdout as a plain TextIO.
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print("\n".join(table()))
