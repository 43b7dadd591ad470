"""The domains table of the field, the selection rules side by side, and texts to copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from dgsearch.analysis.domains import domain_table
from dgsearch.analysis.selection import MEAN
from dgsearch.report.figures.comparison import domain_figure
from dgsearch.report.languages import table_texts
from dgsearch.report.marks import behind, leading
from dgsearch.report.parts import (
    ELSEWHERE,
    Block,
    Cell,
    Copyable,
    Figure,
    Note,
    Rows,
    Section,
    Table,
    Warn,
)
from dgsearch.report.sections.reported import reported_blocks
from dgsearch.report.sections.rules import rule_sections
from dgsearch.report.view import StudyView
from dgsearch.report.words import epoch_rule, records, split_words
from dgsearch.wording import plural


def chosen_rows(view: StudyView) -> pd.DataFrame:
    """What the table of domains compares: row, config_id, seed, targets and their mean.

    Variants and baselines as they are; methods of a family at the configuration that counts. For
    the method's own points the configuration of the best mean value on the selection split,
    and the centre where it is another one.
    """
    columns = {f"accuracy/{name}": name for name in [*view.targets, MEAN]}
    chosen = chosen_trials(view).rename(columns=columns)
    return chosen[["row", "config_id", "seed", "value", *view.targets, MEAN]]


def chosen_trials(view: StudyView) -> pd.DataFrame:
    """The finished trials behind `chosen_rows`, with the row that each stands for."""
    done = view.done
    if view.design.one_a_method:
        done = done[done["config_id"].isin(view.family["config_id"])]
    plain = done[done["role"].isin(["variant", "baseline"])]
    parts = [plain]
    points = done[done["role"] == "point"]
    if len(points):
        centre = view.reference
        if centre is not None and (points["config_id"] == centre).any():
            own = points[points["config_id"] == centre]
            parts.insert(0, own.assign(row=own["row"] + ", at the centre"))
        if view.chosen != centre:
            own = points[points["config_id"] == view.chosen]
            rule = f", chosen by {split_words(view.facts)}"
            parts.insert(0, own.assign(row=own["row"] + rule))
    return pd.concat(parts, ignore_index=True)


def domain_sections(view: StudyView) -> Iterator[Section]:
    """The table of domains, and the rules by which one may choose."""
    table = domain_table(chosen_rows(view), targets=view.targets, maximise=view.data.maximise)
    chosen = view.design.chosen_words(best=view.unit.best, metric=view.unit.name)
    blocks: list[Block] = [
        Note(
            f"{_shown(view)} at the {epoch_rule(view.facts)}: mean ± standard error over "
            "seeds (from the sample standard deviation). Bold: the best group of a column and "
            "those that do not differ significantly from it. A group that is truly the best is "
            "bold in at least 95% of studies (multiple comparisons with the best, by sign flips "
            "paired over seeds); with fewer than five seeds every group is. "
            f"{chosen}".rstrip()
        ),
        *_unshared(table),
        _wide(view, table),
        *reported_blocks(view),
        Copyable(table_texts(table, [*view.targets, MEAN], view.unit)),
        _figure(view, table),
    ]
    yield Section("domains", "Domains", blocks)
    yield from rule_sections(view)


def _shown(view: StudyView) -> str:
    """What the numbers of the table are."""
    counted = view.unit.counted.removeprefix(", ")
    return view.unit.name.capitalize() + (f" in {counted}" if counted else "")


def _unshared(table: pd.DataFrame) -> list[Block]:
    """What the marks say, where rows were not run at the same seeds."""
    if not table["elsewhere"].any():
        return []
    seeds = int(table["seeds"].max())
    return [
        Warn(
            "The groups do not have the same seeds. Bold is based on the "
            f"{plural(seeds, 'seed')} that the compared groups share. {ELSEWHERE} marks a mean "
            "over other seeds: do not compare it with the others."
        )
    ]


def _wide(view: StudyView, table: pd.DataFrame) -> Table:
    domains = [*view.targets, MEAN]
    rows: list[list[str | Cell]] = []
    for row, part in table.groupby("row", sort=False):
        cells = {cell["domain"]: cell for cell in records(part)}
        count = int(cells[domains[0]]["n"])
        numbers = [
            Cell(
                _mean_error(view, cells[name]),
                float(cells[name]["mean"]) * view.unit.scale,
                bool(cells[name]["tied"]),
            )
            for name in domains
        ]
        rows.append([str(row), Cell(str(count), count), *numbers])
    return Table(
        "domains",
        ("group", "n", *view.targets, "average"),
        rows,
        (False, *([True] * (len(domains) + 1))),
        f"{view.unit.name.capitalize()} on every target{view.unit.counted}",
    )


def _mean_error(view: StudyView, cell: Mapping[str, Any]) -> str:
    mean = view.unit.text(cell["mean"]) + ELSEWHERE * bool(cell["elsewhere"])
    error = cell["standard_error"]
    return mean if pd.isna(error) else f"{mean} ± {view.unit.text(error)}"


def _leading(view: StudyView, table: pd.DataFrame) -> pd.DataFrame:
    """The means with the trials that they are over."""
    own = chosen_trials(view).groupby("row", sort=False)["trial_number"]
    found = {row: behind(view, numbers) for row, numbers in own}
    return leading(table, [found[row] for row in table["row"]])


def _figure(view: StudyView, table: pd.DataFrame) -> Figure:
    rows: Rows = [
        [
            str(row["row"]), str(row["domain"]), Cell(str(row["n"]), row["n"]),
            view.unit.cell(row["mean"]), view.unit.cell(row["deviation"]),
            view.unit.between(row["low"], row["high"]),
        ]
        for row in records(table)
    ]  # fmt: skip
    headings = ("group", "domain", "n", view.unit.mean, "deviation", "95% interval")
    count = table["row"].nunique()
    return Figure(
        "domains",
        domain_figure(_leading(view, table), unit=view.unit, colours=view.colours),
        f"Each group's mean {view.unit.name} on every target, with 95% t intervals over seeds. "
        "The groups share their seeds, so differences are known more precisely than these "
        f"intervals suggest.{view.unit.ends_words(table)}",
        Table("domains-numbers", headings, rows, (False, False, True, True, True, True)),
        height_px=min(1200, 160 + 22 * count * (1 + len(view.targets)) // 2),
    )
