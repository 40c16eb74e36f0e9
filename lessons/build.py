"""Make the lessons: from a source that reads well in review to a notebook with its outputs.

    python lessons/build.py build 20 21     run these lessons (all, without numbers), write them
    python lessons/build.py check           compare every notebook with its source

`lessons/src/NN_name.py` (py:percent) is the source; `lessons/NN_name.ipynb` is made from it. Two
builds of one source are the same to the byte: the metadata are fixed, a cell's id is a hash of its
text, widget state is left out (each widget brings a still picture) and what a kernel draws by lot
(model ids, addresses) is replaced. Each lesson runs alone in a fresh kernel: no learner's state,
no configuration, one thread, and no way to reach another machine.

`lessons/timings.md` keeps each lesson's seconds and peak memory, as of its last build.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

LESSONS = Path(__file__).resolve().parent
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

STEPS = "MINSEG_LESSON_STEPS"  # shortens training cells in tests, and is not obeyed here

# What a lesson needs and cannot have everywhere.
TRITON = ("triton", "it exists for Linux only: pip install triton")
NEEDS = {"23": TRITON, "24": TRITON}

# Runs in the kernel before the first cell: a lesson that needs the network fails where it is made.
OFFLINE = """
def _stay_here():
    import socket

    def guarded(method):
        def call(*args, **keywords):
            address = args[-1] if isinstance(args[0], socket.socket) else args
            if isinstance(address, tuple) and address[0] not in (None, "", *LOOPBACK):
                raise OSError(f"lessons may not reach the network, this one asked for {address[0]}")
            return method(*args, **keywords)
        return call

    LOOPBACK = ("127.0.0.1", "::1", "localhost")
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    socket.getaddrinfo = guarded(socket.getaddrinfo)

_stay_here()
del _stay_here
"""

# The kernel's own peak: kilobytes on Linux, bytes on macOS; Windows does not say.
PEAK = """
try:
    import resource, sys
    _peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _peak /= 2**20 if sys.platform == "darwin" else 2**10
except ImportError:
    _peak = float("nan")
"""


def sources(numbers: list[str] | None = None) -> list[Path]:
    """The lessons' sources in order, or those that the two-digit numbers name.

    Raises:
        ValueError: if a number names no lesson.
    """
    found = {path.name[:2]: path for path in sorted((LESSONS / "src").glob("[0-9][0-9]_*.py"))}
    unknown = sorted(set(numbers or []) - set(found))
    if unknown:
        raise ValueError(f"no lesson {', '.join(unknown)}: there are {', '.join(found)}")
    return [path for number, path in found.items() if not numbers or number in numbers]


def notebook_of(source: Path) -> Path:
    """Where the notebook of a source lies."""
    return source.parent.parent / f"{source.stem}.ipynb"


def missing(lesson: Path) -> str:
    """Why a lesson, source or notebook, cannot run here; empty if it can."""
    package, remedy = NEEDS.get(lesson.name[:2], ("", ""))
    if not package or importlib.util.find_spec(package):
        return ""
    return f"lesson {lesson.name[:2]} needs {package}, which is not installed ({remedy})"


def read_source(source: Path) -> NotebookNode:
    """The notebook of a source before it has run: no outputs, fixed metadata, ids from the text."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[name] = seen.get(name, 0) + 1
        cell["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"
    return notebook


def hermetic(folder: Path) -> dict[str, str]:
    """Environment of a lesson's kernel: empty state in `folder`, one thread, no network."""
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "00-offline.py").write_text(OFFLINE)
    (folder / "state").mkdir(exist_ok=True)
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "MINSEG_STATE": str(folder / "state"),
        "OMP_NUM_THREADS": "1",
        "MINSEG_CHECK_FIGURES": "1",
    }


async def _run(notebook: NotebookNode, env: dict[str, str], cwd: Path) -> float:
    """Run all cells in place; the kernel's peak memory in MiB."""
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
    )
    async with client.async_setup_kernel(env=env, cwd=str(cwd)):
        for index, cell in enumerate(notebook.cells):
            count = client.code_cells_executed + 1
            await client.async_execute_cell(cell, index, execution_count=count)
        reply = await client.kc.execute_interactive(
            PEAK, silent=True, store_history=False, user_expressions={"peak": "_peak"}
        )
    return float(reply["content"]["user_expressions"]["peak"]["data"]["text/plain"])


def run(notebook: NotebookNode) -> tuple[float, float]:
    """Run a notebook in place in a fresh, hermetic kernel.

    Returns:
        Seconds, the kernel's start included, and the kernel's peak memory in MiB.

    Raises:
        CellExecutionError: if a cell raises and is not tagged `raises-exception`.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"  # as a learner's folder: the package is not beside it
        work.mkdir()
        env = {**os.environ, **hermetic(Path(folder)), STEPS: ""}
        start = time.perf_counter()
        peak = asyncio.run(_run(notebook, env, work))
        return time.perf_counter() - start, peak


def settle(notebook: NotebookNode) -> None:
    """Replace in place what differs from run to run: widget state, model ids, addresses, paths."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for k, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if WIDGET_VIEW in data:
                model = hashlib.sha256(f"{cell['id']} {k}".encode()).hexdigest()[:32]
                data[WIDGET_VIEW]["model_id"] = model
            if "text/plain" in data:
                data["text/plain"] = re.sub(r"\b0x[0-9a-f]{6,}", "0x0", data["text/plain"])
            if output.output_type == "error":  # the frames name this machine's folders
                output.traceback = [f"{output.ename}: {output.evalue}"]


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, meets the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)


def record(path: Path, lesson: str, seconds: float, peak: float) -> None:
    """Put a lesson's row into the table of timings; those of other lessons stay, if they do."""
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = {line.split("|")[1].strip(): line for line in old if re.match(r"\| \d\d_", line)}
    there = {source.stem for source in sources()}
    rows = {name: row for name, row in rows.items() if name in there}
    rows[lesson] = f"| {lesson} | {seconds:.0f} | {peak:.0f} |"
    text = [
        "# What the lessons cost",
        "",
        "Seconds to run all cells, the kernel's start included, and the kernel's peak memory: one",
        "thread, as measured where each lesson was last built. `make lessons` writes this table.",
        "",
        "| lesson | seconds | peak memory, MiB |",
        "|---|---:|---:|",
        *(rows[name] for name in sorted(rows)),
    ]
    write_atomically(path, "\n".join(text) + "\n")


def build(source: Path) -> None:
    """Make one lesson; nothing is written unless every cell ran."""
    notebook = read_source(source)
    seconds, peak = run(notebook)
    settle(notebook)
    nbformat.validate(notebook)
    write_atomically(notebook_of(source), nbformat.writes(notebook) + "\n")
    record(LESSONS / "timings.md", source.stem, seconds, peak)
    print(f"{source.stem}: {seconds:.1f} s, {peak:.0f} MiB")


def differences(source: Path) -> list[str]:
    """What keeps a notebook from being the one that its source makes; empty if nothing does."""
    path = notebook_of(source)
    if not path.exists():
        return ["the notebook is missing"]
    made, kept = read_source(source), nbformat.read(path, as_version=4)
    found = []
    for key, value in made.metadata.items():
        if kept.metadata.get(key) != value:
            found.append(f"metadata {key}")
    if set(kept.metadata) != set(made.metadata):
        found.append(f"metadata {', '.join(set(kept.metadata) ^ set(made.metadata))}")
    if len(made.cells) != len(kept.cells):
        found.append(f"{len(kept.cells)} cells, the source has {len(made.cells)}")
    for k, (a, b) in enumerate(zip(made.cells, kept.cells, strict=False)):
        parts = ("cell_type", "source", "id", "metadata")
        found += [f"{part} of cell {k}" for part in parts if a.get(part) != b.get(part)]
    counts = [cell.execution_count for cell in kept.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"execution counts {counts}")
    return found


def check(paths: list[Path]) -> bool:
    """Whether each notebook is the one its source makes, and each notebook has a source."""
    known = {notebook_of(source) for source in sources()}
    strays = [path.name for path in sorted(LESSONS.glob("*.ipynb")) if path not in known]
    for name in strays:
        print(f"{name}: no source in lessons/src")
    good = not strays
    for source in paths:
        found = differences(source)
        if found:
            print(f"{source.stem}: {'; '.join(found[:6])}.")
            print(f"Run `make lessons LESSON={source.stem[:2]}`, and look at what changed.")
        good = good and not found
    return good


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description="Make the lessons, or check those made.")
    parser.add_argument("action", choices=["build", "check"])
    parser.add_argument("number", nargs="*", help="two digits, as 21; all lessons if left out")
    given = parser.parse_args(arguments)
    try:
        paths = sources(given.number)
    except ValueError as error:
        parser.error(str(error))
    if given.action == "check":
        return 0 if check(paths) else 1
    for source in paths:
        if reason := missing(source):
            print(f"{source.stem} stays as it is: {reason}")
            continue
        try:
            build(source)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(TERMINAL_COLOURS.sub("", f"{source.stem} was not written.\n{error}"))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
