"""The protocol of all widgets: one view for one question, and a picture without a kernel."""

from typing import Any

import ipywidgets
import pytest
import traitlets as t
from helpers.questions import ask, nudge

from minseg.explore.base.widget import Still, Widget


class Sum(Widget):
    """Shows the sum of two numbers."""

    _esm = "export default { render() {} }"

    a = t.Int(1).tag(sync=True)
    b = t.Int(2, min=0).tag(sync=True)

    def __init__(self, *, follows: tuple[str, ...] = ("a", "b")) -> None:
        super().__init__()
        self.made = 0
        self._follow(*follows)

    @property
    def alt(self) -> str:
        return self.view["facts"]

    def picture(self) -> bytes:
        return b"\x89PNG"

    def answer(self, question: dict[str, Any]) -> None:
        for name in ("a", "b"):
            if name in question:
                setattr(self, name, question[name])

    def make_view(self) -> dict[str, Any]:
        self.made += 1
        return {"sum": self.a + self.b, "facts": f"The sum is {self.a + self.b}."}


@pytest.fixture
def widget() -> Sum:
    return Sum()


def test_python_sets_a_trait_and_the_view_follows(widget):
    assert widget.view == {"sum": 3, "facts": "The sum is 3.", "answers": -1, "drawn": 1}
    widget.b = 5
    assert widget.view["sum"] == 6
    assert widget.view["answers"] == -1 and widget.view["drawn"] == 2


@pytest.mark.parametrize("question", [{"a": 4, "b": 5}, {"a": 4}, {}])
def test_a_question_gets_one_view_whatever_it_changes(widget, question):
    views = []
    widget.observe(lambda change: views.append(change["new"]), ["view"])
    ask(widget, n=12, **question)
    assert widget.made == 2  # the first, and this one
    assert [view["answers"] for view in views] == [12]
    assert views[0]["sum"] == widget.a + widget.b
    assert views[0]["drawn"] == 2


def test_what_a_question_changes_goes_back_in_one_message(widget):
    sent = []
    widget.send_state = lambda key=None: sent.append(set(key))
    ask(widget, a=4, b=5)
    assert sent == [{"a", "b", "view"}]


def test_a_nudge_asks_for_nothing(widget):
    before = widget.view
    nudge(widget)
    assert widget.view is before


def test_a_refused_question_is_answered_too(widget):
    ask(widget, a=4, b=-1, n=3)  # ipywidgets logs what is raised
    assert (widget.a, widget.b) == (4, 2)
    assert widget.view["sum"] == 6 and widget.view["answers"] == 3
    widget.b = 7
    assert widget.view["sum"] == 11 and widget.view["answers"] == -1


def test_a_widget_may_follow_no_trait():
    widget = Sum(follows=())
    widget.b = 5
    assert widget.made == 1
    ask(widget)
    assert widget.view["sum"] == 6


def test_jupyter_gets_a_picture_with_alt_text_beside_the_live_view(widget):
    data, metadata = widget._repr_mimebundle_()
    assert data["image/png"] == "iVBORw=="
    assert metadata["image/png"] == {"alt": "The sum is 3."}
    assert data["text/plain"] == repr(widget) == "Sum: The sum is 3."
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id


def test_any_widget_can_have_a_still_picture():
    class Box(Still, ipywidgets.VBox):
        alt = "An empty box."

        def picture(self) -> bytes:
            return b"\x89PNG"

    data, metadata = Box()._repr_mimebundle_()
    assert data["image/png"] == "iVBORw==" and metadata["image/png"]["alt"] == "An empty box."


def test_says_what_a_widget_must_give():
    class Bare(Widget):
        _esm = Sum._esm

    with pytest.raises(NotImplementedError, match=r"Bare must draw its picture\(\)"):
        Bare().picture()
    with pytest.raises(NotImplementedError, match=r"Bare must compute its make_view\(\)"):
        Bare()._follow()
    with pytest.raises(NotImplementedError, match=r"Bare must take questions in answer\(\)"):
        Bare().answer({})
