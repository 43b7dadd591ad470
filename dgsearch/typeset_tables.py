"""Tables in the languages of papers and notes: LaTeX with booktabs, Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def latex_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], columns: str | None = None
) -> str:
    """A `tabular` with the rules of booktabs.

    Args:
        headings: One a column, already as LaTeX (`inert.latex`).
        rows: The cells of each row, likewise.
        columns: Alignment of the columns, such as "lcc"; None: all to the left.
    """
    lines = [
        f"\\begin{{tabular}}{{{columns or 'l' * len(headings)}}}",
        "\\toprule",
        _latex_row(headings),
        "\\midrule",
        *map(_latex_row, rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines)


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], rules: Sequence[str] | None = None
) -> str:
    """A table with pipes.

    Args:
        headings: One a column, already as Markdown (`inert.markdown`).
        rows: The cells of each row, likewise.
        rules: What is under each heading, such as "---:" for numbers; None: "---" everywhere.
    """
    under = rules or ["---"] * len(headings)
    return "\n".join(map(_markdown_row, (headings, under, *rows)))


def _latex_row(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
