"""`show_source` shows the file's own lines, and the page shows markdown."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from minseg.course import show_source
from minseg.course.display import table
from minseg.course.source import source_of


def documented(x):
    """One line.

    And another.
    """
    # a comment
    return x


class Holder:
    def method(self):
        """Inside a class."""
        return "```"


def test_source_is_whole_or_without_docstring():
    assert source_of(documented).startswith('def documented(x):\n    """One line.')
    short = "def documented(x):\n    # a comment\n    return x"
    assert source_of(documented, docstring=False) == short
    assert source_of(Holder.method, docstring=False) == 'def method(self):\n    return "```"'
    assert "class Holder:\n    def method" in source_of(Holder, docstring=False)


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="fn must be a function or class written in Python"):
        show_source(len)


def test_plain_text_where_there_is_no_notebook(capsys):
    show_source(documented, docstring=False)
    assert capsys.readouterr().out == "def documented(x):\n    # a comment\n    return x\n"


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_markdown_where_there_is_one(shell):
    with capture_output() as captured:
        show_source(documented, docstring=False)
        show_source(Holder.method)
    first, second = (output.data for output in captured.outputs)
    assert first["text/markdown"] == f"```python\n{first['text/plain']}\n```"
    assert second["text/markdown"].startswith("````python")
    assert first.keys() == {"text/markdown", "text/plain"}


def ends_a_fence():
    """Markdown within:
    ````
    done
    `````
    """


def test_no_code_ends_its_fence(shell):
    with capture_output() as captured:
        show_source(ends_a_fence)
    shown = captured.outputs[0].data["text/markdown"]
    assert shown.startswith("``````python\n") and shown.endswith("\n``````")


def test_a_table_in_both_forms():
    markdown, plain = table(["a", "b"], [["1 | 2", "3"]])
    assert markdown == "| a | b |\n|:--|:--|\n| 1 \\| 2 | 3 |"
    assert plain == "a      b\n1 | 2  3"
