"""Reported numbers: those of different protocols never share a column."""

from __future__ import annotations

import pandas as pd
import pytest

from dgsearch import notebook
from dgsearch.analysis.reference import protocol_words, reported_numbers, reported_table
from dgsearch.report.parts import Cell, Copyable, Table
from dgsearch.report.sections.reported import table_of


def _numbers() -> pd.DataFrame:
    """One method from photo alone, one as the mean over four sources, one with both."""
    every = protocol_words(["sketch", "photo", "art", "cartoon"])
    rows = [
        ("one", "photo", 0.545, "full"),
        ("all", every, 0.6289, "full"),
        ("both", "photo", 0.5, "full"),
        ("both", every, 0.6, "full"),
        ("both", "photo", 0.4, "without L_adv"),
    ]
    frame = pd.DataFrame(rows, columns=["method", "protocol", "value", "variant"])
    return frame.assign(benchmark="pacs", target="average", metric="accuracy", spread=float("nan"))


def test_a_protocol_is_its_sources_whatever_their_order() -> None:
    assert protocol_words(["photo"]) == "photo"
    assert protocol_words(["b", "c", "a"]) == protocol_words(["c", "a", "b"])
    assert protocol_words(["b", "c", "a"]) == "mean over a, b and c"


def test_every_number_has_a_protocol_that_names_its_source() -> None:
    numbers = reported_numbers()
    assert numbers["protocol"].notna().all()
    alone = numbers[~numbers["protocol"].str.startswith("mean over")]
    assert (alone["protocol"] == alone["source"]).all()


def test_numbers_of_different_protocols_have_columns_of_their_own() -> None:
    table = reported_table("pacs", _numbers())
    assert [column[0] for column in table.columns] == [
        "photo",
        "mean over art, cartoon, photo and sketch",
    ]
    assert table.loc[("both", "full")].tolist() == [0.5, 0.6]
    assert pd.isna(table.loc[("all", "full")].iloc[0])
    assert pd.isna(table.loc[("one", "full")].iloc[1])


def test_two_numbers_of_one_place_are_an_error() -> None:
    twice = pd.concat([_numbers(), _numbers()])
    with pytest.raises(ValueError, match=r"reported twice: .*'method': 'one'"):
        reported_table("pacs", twice)


def test_the_page_and_its_texts_have_a_column_for_each_protocol() -> None:
    table, texts = table_of("pacs", _numbers())
    assert isinstance(table, Table)
    assert table.headings == [
        "method",
        "variant",
        "photo → average",
        "mean over art, cartoon, photo and sketch → average",
    ]
    (row,) = [row for row in table.rows if row[0] == "all"]
    assert [cell.text for cell in row[2:] if isinstance(cell, Cell)] == ["", "62.9"]
    assert isinstance(texts, Copyable)
    languages = dict(texts.texts)
    assert "| all | full |  | 62.9 |" in languages["Markdown"]
    assert "all & full &  & 62.9 \\\\" in languages["LaTeX"]
    assert "\\begin{tabular}{llcc}" in languages["LaTeX"]


def test_the_notebook_has_the_same_table() -> None:
    found = notebook.reported_table("digits")
    assert found.loc[("mpbm", "full")].tolist() == [0.813]
    assert {column[0] for column in found.columns} == {"mnist"}


def test_a_benchmark_of_which_nothing_is_reported_has_no_table() -> None:
    assert table_of("digits-mini", reported_numbers()) == []
