"""A table of domains as LaTeX, Markdown and CSV, to copy into a paper or a sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pandas as pd

from dgsearch.inert import csv_cell, latex, markdown
from dgsearch.report.parts import ELSEWHERE
from dgsearch.report.words import ACCURACY, Unit
from dgsearch.typeset_tables import latex_table, markdown_table

_SHOWN = ("mean", "standard_error", "tied", "elsewhere")
_NOTE = "mean over seeds other than those that bold is based on; not to be compared"
_LATEX_NOTE = f"% $^{{\\dagger}}$ {_NOTE}"


def table_texts(
    table: pd.DataFrame, domains: Sequence[str], unit: Unit = ACCURACY
) -> list[tuple[str, str]]:
    """The table in each language.

    Args:
        table: `domain_table`.
        domains: Columns in order; the last is the average.
        unit: How the numbers are written.
    """
    rows = {
        str(row): part.set_index("domain").loc[list(domains)]
        for row, part in table.groupby("row", sort=False)
    }
    headings = [*domains[:-1], "average"]
    return [
        ("LaTeX", _latex_table(rows, headings, unit)),
        ("Markdown", _markdown_table(rows, headings, unit)),
        ("CSV", _csv_table(rows, headings, unit)),
    ]


def _any_elsewhere(rows: dict[str, pd.DataFrame]) -> bool:
    return any(bool(cells["elsewhere"].any()) for cells in rows.values())


def _latex_table(rows: dict[str, pd.DataFrame], headings: Sequence[str], unit: Unit) -> str:
    lines = []
    for row, cells in rows.items():
        shown = []
        for mean, error, tied, elsewhere in zip(*(cells[name] for name in _SHOWN), strict=True):
            doubt = "" if pd.isna(error) else f" \\pm {unit.text(error)}"
            number = f"\\mathbf{{{unit.text(mean)}}}" if tied else unit.text(mean)
            number += "^{\\dagger}" * bool(elsewhere)
            shown.append(f"${number}{doubt}$")
        lines.append([latex(row), *shown])
    table = latex_table(["", *map(latex, headings)], lines, f"l{'c' * len(headings)}")
    return f"{table}\n{_LATEX_NOTE}" if _any_elsewhere(rows) else table


def _markdown_table(rows: dict[str, pd.DataFrame], headings: Sequence[str], unit: Unit) -> str:
    lines = []
    for row, cells in rows.items():
        shown = []
        for mean, error, tied, elsewhere in zip(*(cells[name] for name in _SHOWN), strict=True):
            doubt = "" if pd.isna(error) else f" ± {unit.text(error)}"
            number = f"**{unit.text(mean)}**" if tied else unit.text(mean)
            number += ELSEWHERE * bool(elsewhere)
            shown.append(f"{number}{doubt}")
        lines.append([markdown(row), *shown])
    rules = ["---", *["---:"] * len(headings)]
    table = markdown_table(["", *map(markdown, headings)], lines, rules)
    return f"{table}\n\n{ELSEWHERE} {_NOTE}" if _any_elsewhere(rows) else table


def _csv_table(rows: dict[str, pd.DataFrame], headings: Sequence[str], unit: Unit) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [
        f"{name} {what}" for name in map(csv_cell, headings) for what in ("mean", "standard error")
    ]
    writer.writerow(["group", "n", *names])
    for row, cells in rows.items():
        numbers = [
            "" if pd.isna(value) else f"{value * unit.scale:.4f}"
            for pair in zip(cells["mean"], cells["standard_error"], strict=True)
            for value in pair
        ]
        writer.writerow([csv_cell(row), int(cells["n"].iloc[0]), *numbers])
    return buffer.getvalue()
