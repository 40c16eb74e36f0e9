"""Notebooks are held to the guide: complete, in order, of a size to finish, and compared for real.

Units, 00 to 45, teach; ledgers, 91 to 95, list what the lecture notes say, measured. Unit 00 is a
welcome and need not have all that the others have.
"""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from lessons import build
from minseg.course.catalogue import find

LESSONS = Path(build.__file__).parent
NOTEBOOKS = sorted(LESSONS.glob("[0-9][0-9]_*.ipynb"))
UNITS = [path for path in NOTEBOOKS if path.name < "9"]
FULL = [path for path in UNITS if not path.name.startswith("00")]
LEDGERS = [path for path in NOTEBOOKS if path not in UNITS]
WITHOUT_CLAIMS = {"23"}  # the notes say nothing about it
MARKDOWN = "text/markdown"  # cards and tables
STRICT = [
    *("--nbval", "--nbval-current-env", "--nbval-cell-timeout=240", "-p", "no:cacheprovider"),
    f"--nbval-sanitize-with={LESSONS / 'nbval.cfg'}",
]

# What strict nbval cannot compare, what a learner should not meet, and what leaves the machine.
BANNED = {
    r"\binteract(ive|ive_output|_manual)?\(": "write a widget class, or observe a trait",
    r"\bOutput\(": "show a picture in a widget of its own",
    r"\bclear_output\b": "its order differs from run to run",
    r"^\s*[%!]": "plain Python only: no magics, no shell",
    r"\bipympl\b|\bwidget\s*backend\b": "anywidget is faster and comparable",
    r"\bplt\.show\(|\bfig\w*\.show\(": "minseg.draw.show adds alt text and the line of facts",
    r"\b(urllib|requests|httpx|socket|ftplib|wget|curl)\b": "no request leaves the machine",
    r"\bdownload\w*\(": "what a lesson shows comes with its dependencies",
    r"\btqdm\b": "a bar's text differs from run to run",
    r"\bwarnings\.(filter|simplefilter)": "mend what warns",
    r"\bdisplay_id\b": "nbval cannot follow updates",
    r"NBVAL_": "use a cell tag, which learners do not see",
    r"\bclaim\(": "claims live in the ledger: close with a line that names the notebook",
    r"\bsaid \+=": "what tables and alt texts say is put together in the package",
    r"# fmt: ?(off|skip)": "a line that the formatter would break is too dense to read",
}


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def calls(path: Path, name: str) -> list[ast.Call]:
    """Every call of a function by its plain name, in order."""
    found = []
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [node] * (node.func.id == name)
    return found


def first_arguments(path: Path, name: str) -> list[object]:
    """The literal first argument of each such call."""
    return [ast.literal_eval(call.args[0]) for call in calls(path, name) if call.args]


def each(paths: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem[:2])


# --- sources, notebooks, outputs ---


@each(NOTEBOOKS)
def test_is_what_its_source_makes_and_every_cell_ran(path):
    assert build.differences(LESSONS / "src" / f"{path.stem}.py") == []


def test_each_source_has_a_notebook_and_each_notebook_a_source():
    assert [build.notebook_of(source) for source in build.sources()] == NOTEBOOKS
    assert NOTEBOOKS, "a course without lessons passes every other test of this file"


def test_an_edited_notebook_differs_from_its_source(tmp_path):
    source = tmp_path / "src" / "00_a.py"
    source.parent.mkdir()
    source.write_text("# %%\n1 + 1\n")
    notebook = build.read_source(source)
    notebook.cells[0].execution_count = 1
    copy = build.notebook_of(source)
    nbformat.write(notebook, copy)
    assert build.differences(source) == []
    notebook.cells[0].execution_count = 2
    nbformat.write(notebook, copy)
    assert build.differences(source) == ["execution counts [2]"]
    notebook.cells[0].source = "1 + 2"
    nbformat.write(notebook, copy)
    assert "source of cell 0" in build.differences(source)


@each(NOTEBOOKS)
def test_shows_no_error_and_nothing_on_stderr(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", output.text
            assert output.output_type != "error" or "raises-exception" in tags(cell), cell.source


@each(NOTEBOOKS)
def test_names_no_folder_of_the_machine_that_built_it(path):
    shown = json.dumps([cell.outputs for cell in code_cells(path)])
    found = re.search(r"/(home|root|tmp|Users|usr|opt)/[\w.]+|[A-Z]:\\\\\\\\", shown)
    assert not found, found


@each(NOTEBOOKS)
def test_every_picture_has_alt_text(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            for kind in set(output.get("data", {})) & {"image/png", "image/jpeg", "image/svg+xml"}:
                alt = output.metadata.get(kind, output.metadata).get("alt", "")
                assert len(alt) >= 20, f"{alt!r} under\n{cell.source}"


@each(NOTEBOOKS)
def test_each_figure_has_a_line_of_facts(path):
    """What a cell prints is put together above its figures, so lines are counted."""
    for cell in code_cells(path):
        printed = "".join(output.get("text", "") for output in cell.outputs)
        figures = sum(is_figure(output) for output in cell.outputs)
        assert len(printed.splitlines()) >= figures, cell.source


def is_figure(output: NotebookNode) -> bool:
    """A picture that is not the still of a widget."""
    data = output.get("data", {})
    return "image/png" in data and build.WIDGET_VIEW not in data


@each(NOTEBOOKS)
def test_at_most_two_cells_go_uncompared(path):
    loose = [cell for cell in code_cells(path) if "nbval-ignore-output" in tags(cell)]
    assert len(loose) <= 2
    assert not any("nbval-skip" in tags(cell) for cell in code_cells(path))


@each(NOTEBOOKS)
def test_what_depends_on_the_length_of_training_is_marked(path):
    """Then `make test`, which cuts it short, compares nothing that it does not reach."""
    cells = [(tags(cell), ast.parse(cell.source)) for cell in code_cells(path)]
    shortened = [k for k, (_, tree) in enumerate(cells) if "lesson_steps" in called(tree)]
    waiting = [k for k, (tag, _) in enumerate(cells) if "full-length" in tag]
    trains = [k for k, (_, tree) in enumerate(cells) if "train" in called(tree)]
    assert set(trains) <= set(shortened), "steps of `train` go through `lesson_steps`"
    assert all("nbval-ignore-output" in cells[k][0] for k in shortened)
    assert not waiting or (shortened and shortened[0] < waiting[0])
    for k in waiting:
        before = set().union(*(names(tree, ast.Store) for _, tree in cells[:k]))
        later = set().union(*(names(tree, ast.Load) for _, tree in cells[k + 1 :]))
        own = names(cells[k][1], ast.Store) - of_comprehensions(cells[k][1]) - before
        assert not own & later, f"{own & later} would be missing where training was cut short"


def called(tree: ast.AST) -> set[str]:
    """Names of the functions that are called by their plain name."""
    found = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {name.id for name in found if isinstance(name, ast.Name)}


def names(tree: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Names that are stored to (`ast.Store`), or read (`ast.Load`)."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in found if isinstance(node.ctx, context)}


def of_comprehensions(tree: ast.AST) -> set[str]:
    """Names that live in a comprehension only."""
    loops = [node.target for node in ast.walk(tree) if isinstance(node, ast.comprehension)]
    return set().union(*(names(target, ast.Store) for target in loops))


@each(NOTEBOOKS)
def test_uses_nothing_that_is_banned(path):
    for cell in code_cells(path):
        for pattern, instead in BANNED.items():
            found = re.search(pattern, cell.source, re.MULTILINE)
            assert not found, f"{found.group()!r}: {instead}\n{cell.source}"
        last = cell.source.rstrip().splitlines()[-1]
        assert not last.endswith(";"), f"a closing semicolon hides what is shown:\n{cell.source}"


# --- what a reader finds ---


@each(NOTEBOOKS)
def test_title_says_number_and_name(path):
    assert re.match(rf"# {path.name[:2]} · \S", read(path).cells[0].source)


@each(NOTEBOOKS)
def test_links_lead_to_files_that_exist(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        assert not target.startswith("http"), f"{target}: name the source by author, year, section"
        assert (LESSONS / target.split("#")[0]).exists(), target


@each(NOTEBOOKS)
def test_folds_open_and_close_where_markdown_is_read_again(path):
    """A blank line on either side of what is folded, or JupyterLab shows it as plain text."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            assert folds_are_well_formed(cell.source), cell.source


def folds_are_well_formed(text: str) -> bool:
    whole = re.compile(
        r"^<details><summary>[^\n]+</summary>\n\n(?:(?!</?details|</?summary).)+\n\n</details>\s*?$",
        re.DOTALL | re.MULTILINE,
    )
    return not re.search("</?(details|summary)", whole.sub("", text))


@pytest.mark.parametrize(
    ("text", "well"),
    [
        ("<details><summary>Answer</summary>\n\nSix.\n\n</details>", True),
        ("a\n\n<details><summary>1</summary>\n\nb\n\nc\n\n</details>\n\nd", True),
        ("<details><summary>Answer</summary>\nSix.\n\n</details>", False),
        ("<details><summary>Answer</summary>\n\nSix.</details>", False),
        ("<details><summary>Answer</summary>\n\nSix.\n", False),
        ("<details>\n\nSix.\n\n</details>", False),
    ],
)
def test_what_a_well_formed_fold_is(text, well):
    assert folds_are_well_formed(text) is well


# --- units ---


def promise(path: Path) -> tuple[int, str]:
    """Minutes, and what the line of costs says further."""
    opening = "\n\n".join(cell.source for cell in read(path).cells[:4])
    found = re.search(r"^\*(\d+) minutes: (.+)\*$", opening, re.MULTILINE)
    assert found, "the opening ends with *35 minutes: 12 to read, … 6 s to run. You need unit 20.*"
    return int(found[1]), found[2]


@each(UNITS)
def test_promises_minutes_that_add_up(path):
    minutes, spent = promise(path)
    parts = [int(number) for number in re.findall(r"(\d+) (?=to |for )", spent.split(".")[0])]
    assert sum(parts) <= minutes + 4, parts  # their sum is rounded to five minutes
    assert sum(parts) >= minutes - 4 or "the rest to" in spent, parts
    assert re.search(r"\d+ s to run", spent)
    assert 10 <= minutes <= 45


def test_the_first_parts_together_take_no_longer_than_thirteen_hours():
    assert sum(promise(path)[0] for path in UNITS if path.name < "5") <= 13 * 60


@each(FULL)
def test_opens_with_a_question_and_what_one_needs(path):
    assert "?" in read(path).cells[0].source
    assert "You need" in promise(path)[1]


@each(UNITS)
def test_shows_a_picture_before_any_theory(path):
    shown = [output.get("data", {}) for cell in code_cells(path)[:3] for output in cell.outputs]
    assert any("image/png" in data for data in shown)


@each(UNITS)
def test_begins_with_five_imports_at_most(path):
    first = ast.parse(code_cells(path)[0].source).body
    assert sum(isinstance(line, (ast.Import, ast.ImportFrom)) for line in first) <= 5


@each(UNITS)
def test_each_guess_has_a_name_and_its_answer(path):
    guesses, reveals = (first_arguments(path, name) for name in ("guess", "reveal"))
    assert guesses == reveals, "each prediction has its answer, in the order they were asked"
    assert len(guesses) == len(set(guesses)) >= 1
    for name in guesses:
        assert re.fullmatch(rf"{path.name[:2]}\.q_\w+", str(name)), name
    for cell in code_cells(path):
        assert not ("guess(" in cell.source and "reveal(" in cell.source), cell.source


@each(FULL)
def test_has_exercises_of_its_own_each_with_its_grade(path):
    ids = [str(name) for name in first_arguments(path, "check")]
    assert ids and all(id.startswith(f"{path.name[:2]}.") for id in ids), ids
    assert 'solution("' in prose(path), "say once how to see the package's own code"
    for id in set(ids):
        before = prose_before(path, f'check("{id}"')
        assert re.search(r"xercise.*\b(warm-up|core|stretch)\b", before), f"{id} has no grade"


def prose_before(path: Path, code: str) -> str:
    """The text between a cell and the last check before it."""
    before = ""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            before += cell.source + "\n"
        elif code in cell.source:
            return before
        elif "check(" in cell.source:
            before = ""
    return ""


@each(UNITS)
def test_no_exercise_has_its_source_above_it(path):
    todo = {find(str(id)).reference.__name__ for id in first_arguments(path, "check")}
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", "")
            if name == "check":
                todo.discard(find(ast.literal_eval(call.args[0])).reference.__name__)
            elif name == "show_source":
                shown = ast.unparse(call.args[0]).rpartition(".")[2]
                assert shown not in todo, f"{shown} is still to be written"


@each(UNITS)
def test_widgets_have_a_still_beside_them(path):
    shown = [output.get("data", {}) for cell in code_cells(path) for output in cell.outputs]
    widgets = [data for data in shown if build.WIDGET_VIEW in data]
    assert all("image/png" in data and "text/plain" in data for data in widgets)


@each(FULL)
def test_ends_with_a_recap_the_ledger_and_what_comes_next(path):
    assert path.name[:2] in first_arguments(path, "progress")
    if path.name[:2] not in WITHOUT_CLAIMS:
        assert re.search(r"notes' claims on this: .*\[9[1-5]\]\(9[1-5]_", prose(path))
    last = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"][-1]
    following = UNITS[UNITS.index(path) + 1 :]
    if following:
        assert f"]({following[0].name})" in last, f"the last lines lead to {following[0].name}"


@each(UNITS)
def test_is_of_a_size_to_finish(path):
    assert len(re.findall(r"[^\W\d_]+", prose(path))) <= 2800


# --- ledgers ---


@each(LEDGERS)
def test_a_ledger_says_what_the_notes_are_and_asks_nothing(path):
    assert "lecture notes" in prose(path)
    for name in ("guess", "reveal", "check"):
        assert not calls(path, name)


def test_timings_cover_every_lesson_and_stay_within_bounds():
    rows = re.findall(
        r"^\| (\w+) \| (\d+) \| (\d+) \|$", (LESSONS / "timings.md").read_text(), re.M
    )
    assert [name for name, _, _ in rows] == [path.stem for path in NOTEBOOKS]
    for name, seconds, mebibytes in rows:
        trains = calls(LESSONS / f"{name}.ipynb", "train")
        assert int(seconds) <= (180 if trains else 90), name
        assert int(mebibytes) <= 2048, name


# --- whether the comparison is real ---


def nbval(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Strict nbval on notebooks of one folder, apart from this project's configuration."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--color=no", "-c", os.devnull, *STRICT, *names],
        cwd=folder,
        env={**os.environ, **build.hermetic(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def earliest_number(notebook: NotebookNode) -> tuple[int, NotebookNode, str]:
    """The first compared cell that shows a digit: its position, and where in it the text stands."""
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and "nbval-ignore-output" not in tags(cell):
            for output in cell.outputs:
                printed = output.get("name") == "stdout"
                place, key = (output, "text") if printed else (output.get("data", {}), MARKDOWN)
                if re.search(r"\d", place.get(key, "")):
                    return k, place, key
    raise AssertionError("no cell shows a number: nothing of this notebook is compared")


def with_another_digit(text: str) -> str:
    """The text with its first digit changed."""
    return re.sub(r"\d", lambda digit: str(9 - int(digit.group())), text, count=1)


@each(NOTEBOOKS)
def test_no_rule_of_the_comparison_hides_a_changed_digit(path):
    _, place, key = earliest_number(read(path))
    printed, changed = place[key], with_another_digit(place[key])
    rules = configparser.ConfigParser()
    rules.read(LESSONS / "nbval.cfg")
    for name in rules.sections():
        regex, replace = rules[name]["regex"], rules[name]["replace"]
        printed, changed = (re.sub(regex, replace, text) for text in (printed, changed))
    assert printed != changed


SOME = [NOTEBOOKS[0], *(pytest.param(path, marks=pytest.mark.long) for path in NOTEBOOKS[1:])]


@each(SOME)
def test_canary_one_changed_digit_fails_and_nothing_else(path, tmp_path):
    """That the lesson passes as it is, is what nbval itself finds when it runs all of it."""
    if reason := build.missing(path):
        pytest.skip(reason)
    notebook = read(path)
    k, place, key = earliest_number(notebook)
    notebook.cells = notebook.cells[: k + 1]  # no longer than it must be
    place[key] = with_another_digit(place[key])
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    said = nbval(tmp_path, "changed.ipynb").stdout
    failed = re.findall(r"^FAILED (.+?) - ", said, re.MULTILINE)
    last = sum(cell.cell_type == "code" for cell in notebook.cells) - 1
    assert failed == [f"changed.ipynb::Cell {last}"], said
    assert f"mismatch '{'stdout' if key == 'text' else key}'" in said


def built(source):
    """A source's notebook, run: in a thread, as Playwright leaves an event loop in this one."""
    notebook = build.read_source(source)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(build.run, notebook).result()
    return notebook


def test_a_lesson_that_asks_for_the_network_cannot_be_built(tmp_path):
    source = tmp_path / "asks.py"
    source.write_text(
        "# %%\nimport urllib.request\n"
        "urllib.request.urlopen('http://192.0.2.1/', timeout=2)  # an address kept for examples\n"
    )
    with pytest.raises(build.CellExecutionError, match="lessons may not reach the network"):
        built(source)


def test_a_lesson_that_cannot_run_here_says_why(monkeypatch, capsys):
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    assert build.missing(Path("21_roi.py")) == ""
    assert "needs triton, which is not installed (it exists for Linux only" in build.missing(
        Path("24_roialign_on_the_gpu.ipynb")
    )
    assert build.main(["build", "24"]) == 0  # nothing is run, and nothing is lost
    assert "24_roialign_on_the_gpu stays as it is: lesson 24 needs" in capsys.readouterr().out


def test_two_builds_are_equal_to_the_byte(tmp_path):
    source = tmp_path / "twice.py"
    source.write_text(
        "# %%\nimport ipywidgets\n\nobject()\n\n# %%\nipywidgets.IntSlider()\n\n"
        "# %%\nprint(len(__import__('os').listdir(__import__('os').environ['MINSEG_STATE'])))\n"
        "open(__import__('os').environ['MINSEG_STATE'] + '/seen', 'w').close()\n"
    )
    made = []
    for _ in range(2):
        notebook = built(source)
        build.settle(notebook)
        made.append(json.dumps(notebook, sort_keys=True))
    assert made[0] == made[1]
    assert '"text": "0\\n"' in made[0], "each run starts from an empty state"
