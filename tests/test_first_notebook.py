"""The notebook of docs/ is executed as it is: it runs a tiny study, reads it and shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import dgsearch

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first_study.ipynb"


def _shown(cell: Any, kind: str) -> str:
    """What a cell showed as its result, in one format."""
    (result,) = [each for each in cell.outputs if each.output_type == "execute_result"]
    return str(result.data[kind])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_runs_a_study_reads_it_and_shows_it(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()  # an error of a cell is raised
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    run, study, means, trials, page, text = cells
    assert _shown(run, "text/plain") == "0"
    assert [each.output_type for each in run.outputs] == ["execute_result"]  # quiet
    assert "notebook" in _shown(study, "text/html")
    assert "4" in _shown(study, "text/html")
    assert _shown(means, "text/html").count("<tr") == 1 + 2
    assert _shown(trials, "text/html").count("<tr") == 1 + 4
    assert (tmp_path / "notebook.html").stat().st_size > 1_000_000
    assert page.execution_count == 5
    assert 'name = "notebook"' in text.outputs[0].text
    stored = dgsearch.read_trials(tmp_path / "notebook.db", study="notebook")
    assert (stored["stop_reason"] == "finished").tolist() == [True] * 4


def test_it_is_stored_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
