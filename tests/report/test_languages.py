from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from dgsearch.inert import latex
from dgsearch.report.languages import table_texts


@pytest.fixture
def texts() -> dict[str, str]:
    rows = [
        {
            "row": row,
            "domain": domain,
            "n": 3,
            "mean": 0.5,
            "standard_error": error,
            "tied": tied,
            "elsewhere": False,
        }
        for row, error, tied in (("a_b | c", 0.01, True), ("=1+1", float("nan"), False))
        for domain in ("photo", "mean of targets")
    ]
    return dict(table_texts(pd.DataFrame(rows), ["photo", "mean of targets"]))


def test_a_mean_over_other_seeds_is_marked_in_latex_and_markdown() -> None:
    row = {"row": "m", "domain": "photo", "n": 3, "mean": 0.5, "standard_error": 0.01}
    table = pd.DataFrame([row | {"tied": False, "elsewhere": True}])
    texts = dict(table_texts(table, ["photo"]))
    assert r"$50.0^{\dagger} \pm 1.0$" in texts["LaTeX"]
    assert "| m | 50.0† ± 1.0 |" in texts["Markdown"]
    assert all("not to be compared" in texts[name] for name in ("LaTeX", "Markdown"))


def test_latex_is_a_whole_table_with_the_best_in_bold(texts: dict[str, str]) -> None:
    lines = texts["LaTeX"].splitlines()
    assert (lines[0], lines[-1]) == (r"\begin{tabular}{lcc}", r"\end{tabular}")
    assert lines[4] == (r"a\_b | c & $\mathbf{50.0} \pm 1.0$ & $\mathbf{50.0} \pm 1.0$ \\")
    assert lines[5] == r"=1+1 & $50.0$ & $50.0$ \\"


def test_markdown_escapes_what_would_break_its_table(texts: dict[str, str]) -> None:
    assert texts["Markdown"].splitlines()[2] == r"| a_b \| c | **50.0** ± 1.0 | **50.0** ± 1.0 |"


def test_csv_has_numbers_with_their_digits_and_no_formula(texts: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
    assert rows[0]["photo mean"] == "50.0000"
    assert rows[1]["group"] == "'=1+1"
    assert rows[1]["photo standard error"] == ""


def test_every_character_that_latex_obeys_is_escaped() -> None:
    assert latex(r"\a_b%$#&{}~^<>") == (
        r"\textbackslash{}a\_b\%\$\#\&\{\}\textasciitilde{}\textasciicircum{}"
        r"\textless{}\textgreater{}"
    )
