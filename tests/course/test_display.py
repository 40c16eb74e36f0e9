"""Tables, printed lines and short values: what they show is what was meant, whatever it holds."""

import re
import sys
from html import unescape

import markdown_it
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minseg.course.display import Markdown, brief, literal, say, table

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "&lt;b&gt;",
    "[click](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<https://example.org>",
    "`<b>` **loud** ~~gone~~",
    "\\<b> \\[a](b)",
    "a\n\n<b>new paragraph</b>\r\n# heading",
    "a | b",
    "$x^2$ and \\(x^2\\)",
]


def rendered(text):
    """The cell's HTML in a table, by a parser of CommonMark with tables."""
    parser = markdown_it.MarkdownIt("gfm-like", {"html": True, "linkify": False})
    return parser.render(table(["head"], [[text]])[0])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_shows_its_letters_and_makes_no_markup(text):
    html = rendered(text)
    cell = html[html.index("<td") : html.rindex("</td>")].partition(">")[2]
    cell = re.sub(r"<span>(.*?)</span>", r"\1", cell)  # around what begins a formula
    assert "<" not in cell
    assert unescape(cell) == " ".join(text.splitlines())


def test_what_is_marked_as_markdown_stays_so():
    assert "<em>is</em>" in rendered(Markdown("it *is*"))
    assert table(["a"], [[Markdown("*is* | ")]])[0].endswith("| *is* \\|  |")


def test_plain_text_is_left_as_it_is():
    for text in ("d > 0, [1, 2], 7 % (±0.5), 2·3, c_k and R + 256", "01.set_loss"):
        assert literal(text) == text
        assert table(["a"], [[text]])[1].splitlines()[1] == text


class Nameless:
    def __repr__(self):
        raise RuntimeError("no")


def test_values_are_cut_to_a_line():
    assert brief("text") == "'text'"
    assert brief(Nameless()).startswith("<Nameless")
    for value in ([0] * 10**6, "x" * 10**6, {k: k for k in range(10**5)}, 10**5000, "a\nb"):
        assert len(brief(value)) < 200 and "\n" not in brief(value)


@given(st.text() | st.characters(categories=["Cs"]))
def test_any_text_can_be_said(text):
    say(text)


def test_a_closed_stdout_is_no_error(monkeypatch, tmp_path, capsys):
    with open(tmp_path / "closed", "w") as closed:
        pass
    monkeypatch.setattr(sys, "stdout", closed)
    say("heard on stderr")
    assert capsys.readouterr().err == "heard on stderr\n"
    monkeypatch.setattr(sys, "stderr", closed)
    say("heard by nobody")


def test_a_terminal_of_few_letters_shows_the_rest_as_question_marks(monkeypatch, tmp_path):
    with open(tmp_path / "ascii", "w", encoding="ascii") as narrow:
        monkeypatch.setattr(sys, "stdout", narrow)
        say("IoU → ½")
    assert (tmp_path / "ascii").read_text() == "IoU ? ?\n"
