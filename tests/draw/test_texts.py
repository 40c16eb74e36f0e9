"""Texts that cannot be read: found where there are some, and only there."""

import pytest

from minseg.draw import figure, png
from minseg.draw.texts import text_faults


def test_none_in_a_plain_figure_with_ticks_and_a_legend():
    fig, ax = figure(width=400, height=300)
    ax.plot([0, 1], [0, 1], label="a line")
    ax.set(xlabel="recall", ylabel="precision", title="a curve")
    ax.legend()
    assert text_faults(fig) == []


def test_two_on_top_of_each_other():
    fig, ax = figure(width=400, height=300)
    ax.text(0.5, 0.5, "first")
    ax.annotate("second", (0.52, 0.5))
    assert text_faults(fig) == ["'first' and 'second' overlap"]


def test_one_that_leaves_the_figure():
    fig, ax = figure(width=400, height=300)
    ax.text(0.99, 0.5, "a long text that goes on")
    ax.set_in_layout(False)
    assert "'a long text that goes on' leaves the figure" in text_faults(fig)


def test_small_letters_and_not_small_marks():
    fig, ax = figure(width=400, height=300)
    ax.text(0.2, 0.5, "tiny", fontsize=6)
    ax.text(0.7, 0.5, "+", fontsize=6)
    assert text_faults(fig) == ["'tiny' has 6 points, less than 9"]


@pytest.mark.parametrize("hide", ["axes", "axis off", "text", "beyond the limits"])
def test_what_is_not_drawn_does_not_count(hide):
    fig, ax = figure(width=400, height=300)
    ax.set_xticks([0.5, 0.5001], ["one label", "another label"])
    texts = ax.get_xticklabels()
    assert text_faults(fig) == ["'one label' and 'another label' overlap"]
    if hide == "axes":
        ax.set_visible(False)
    elif hide == "axis off":
        ax.set_axis_off()
    elif hide == "text":
        texts[1].set_visible(False)
    else:
        ax.set_xlim(0.50005, 1)
    assert text_faults(fig) == []


def test_a_figure_is_refused_where_figures_are_checked(monkeypatch):
    fig, ax = figure(width=400, height=300)
    ax.text(0.5, 0.5, "tiny", fontsize=6)
    monkeypatch.setenv("MINSEG_CHECK_FIGURES", "1")
    with pytest.raises(ValueError, match="fig has texts that cannot be read: 'tiny' has 6 points"):
        png(fig)
    monkeypatch.delenv("MINSEG_CHECK_FIGURES")
    assert png(fig).startswith(b"\x89PNG")
