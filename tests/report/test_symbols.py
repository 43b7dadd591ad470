from __future__ import annotations

from pathlib import Path

from dgsearch.report import write_report
from dgsearch.report.symbols import Symbols
from tests.fakes import full_study

LAMBDA = 'λ<sub><span class="bare">_</span>adv</sub>'


def test_a_symbol_is_set_where_it_is_a_word_of_its_own() -> None:
    symbols = Symbols(["λ_adv", "T", "N_b"])
    assert symbols.names == ["N_b", "λ_adv"]  # T has no subscript
    assert symbols.markup("λ_adv = 0, lambda_adv") == f"{LAMBDA} = 0, lambda_adv"
    assert symbols.markup("xλ_adv λ_advx") == "xλ_adv λ_advx"


def test_other_texts_are_escaped_and_a_symbol_with_markup_is_none() -> None:
    symbols = Symbols(["<b>_x", "λ_adv"])
    assert symbols.names == ["λ_adv"]
    assert symbols.markup("<i>λ_adv</i>") == f"&lt;i&gt;{LAMBDA}&lt;/i&gt;"


def test_texts_of_a_figure_are_set_and_names_of_marks_are_not() -> None:
    data = {"name": "λ_adv", "ids": ["λ_adv"], "x": [1, "λ_adv = 2"], "bdata": "λ_adv"}
    assert Symbols(["λ_adv"]).figure(data) == {
        "name": "λ<sub>adv</sub>",
        "ids": ["λ_adv"],
        "x": [1, "λ<sub>adv</sub> = 2"],
        "bdata": "λ_adv",
    }


def test_the_page_has_symbols_set_and_texts_to_copy_plain(database: str, tmp_path: Path) -> None:
    full_study(database)
    page = write_report(database, ["fake"], tmp_path / "r.html").read_text("utf-8")
    assert f"Sensitivity to {LAMBDA}</a></h2>" in page
    assert 'aria-label="Reset the axes of Sensitivity to λ_adv"' in page
