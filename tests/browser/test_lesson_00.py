"""The first lesson as a newcomer meets it: opened in JupyterLab, all cells run."""

from __future__ import annotations


def test_runs_without_a_complaint(notebook):
    lesson = notebook("00_start_here.ipynb")
    lesson.run_all()
    counts = lesson.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
             .filter(cell => cell.model.type === 'code').map(cell => cell.model.executionCount)"""
    )
    assert counts == list(range(1, len(counts) + 1))
    assert counts
