"""What papers report: beside the table of domains, in words and as a table of the benchmark.

Numbers that are averaged over different source domains, or are of other targets, have columns of
their own, on the page as in the texts to copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.reference import reported_numbers, reported_table
from dgsearch.inert import latex, markdown
from dgsearch.report.parts import Block, Cell, Copyable, Note, Rows, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import records
from dgsearch.typeset_tables import latex_table, markdown_table

_METRICS = ("accuracy", "accuracy_top5")


def reported_blocks(view: StudyView) -> list[Block]:
    """What the method's paper reports, with the data that it is for; then all of the benchmark."""
    if view.metric not in _METRICS:
        return []
    numbers = reported_numbers()
    own = numbers[(numbers["method"] == view.facts.method) & (numbers["variant"] == "full")]
    blocks: list[Block] = []
    if len(own):
        same = (own["benchmark"] == view.spec.data.benchmark).any()
        last = "" if same else " None of these numbers is for this benchmark; do not compare them."
        parts = "; ".join(map(_number, records(own)))
        blocks.append(Note(f"Reported for {view.facts.method}: {parts}.{last}"))
    return blocks + table_of(view.spec.data.benchmark, numbers)


def table_of(benchmark: str, numbers: pd.DataFrame) -> list[Block]:
    """Everything that is reported on a benchmark; nothing where nothing is.

    Args:
        benchmark: Its name.
        numbers: As of `reported_numbers`.
    """
    table = reported_table(benchmark, numbers)
    if table.empty:
        return []
    headings = ["method", "variant", *(_heading(*column) for column in table.columns)]
    cells = [
        [str(method), str(variant), *map(_text, values)]
        for (method, variant), values in zip(table.index, table.to_numpy(), strict=True)
    ]
    rows: Rows = [[*row[:2], *map(_cell, row[2:])] for row in cells]
    right = (False, False, *[True] * len(table.columns))
    caption = f"Reported accuracy on {benchmark}, one column for each protocol and target"
    return [
        Table("reported", headings, rows, right, caption),
        Copyable(_texts(headings, cells)),
    ]


def _cell(text: str) -> Cell:
    return Cell(text, float(text) if text else None)


def _text(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.1f}"


def _heading(protocol: str, target: str, metric: str) -> str:
    return f"{protocol} → {target}" + (", top-5" if metric == "accuracy_top5" else "")


def _number(row: Mapping[str, Any]) -> str:
    spread = row["spread"]
    error = (
        f" ± {float(spread) * 100:.1f}" if isinstance(spread, float) and spread == spread else ""
    )
    top = ", top-5" if row["metric"] == "accuracy_top5" else ""
    place = f"{row['benchmark']}, {row['protocol']} → {row['target']}{top}"
    return f"{row['value'] * 100:.1f}{error} ({place})"


def _texts(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    numbers = len(headings) - 2
    escaped = [[latex(cell) for cell in row] for row in cells]
    typeset = latex_table([*map(latex, headings)], escaped, f"ll{'c' * numbers}")
    plain = [[markdown(cell) for cell in row] for row in cells]
    rules = ["---", "---", *["---:"] * numbers]
    return [
        ("LaTeX", typeset),
        ("Markdown", markdown_table([*map(markdown, headings)], plain, rules)),
    ]
