"""The selection rules side by side: what each chooses, and what choosing by it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from dgsearch.analysis.choosing import costs_by_rule, rule_costs
from dgsearch.analysis.rules import DOMAINBED, rule_table
from dgsearch.analysis.selection import MEAN
from dgsearch.report.parts import Block, Cell, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import given, listed, records
from dgsearch.study.families import AUGMENTED, FAMILIES
from dgsearch.wording import plural

_FEWEST = 3  # configurations of a seed, so that a rank correlation is defined
_COST_HEADINGS = (
    *("rule", "seeds", "configurations", "regret", "95% interval"),
    *("less that of validation", "95% interval", "ρ", "95% interval"),
)
_RULE_WORDS = {
    "validation": "epoch and configuration by validation",
    "last epoch": "last epoch, configuration by validation",
    AUGMENTED: "epoch and configuration by augmented validation",
    "oracle": "ORACLE: epoch and configuration by the targets themselves",
    DOMAINBED: "ORACLE of DomainBed: last epoch, configuration by a fifth of the target images",
}


def rule_sections(view: StudyView) -> Iterator[Section]:
    """The same rows under the selection rules."""
    if view.epochs.empty:
        return
    last = view.spec.selection == "last" and view.metric == "accuracy"
    table = rule_table(
        view.alike,
        view.epochs,
        targets=view.targets,
        maximise=view.data.maximise,
        tested=view.data.tested if last else None,
    )
    if table.empty:
        return
    rows: list[Sequence[str | Cell]] = []
    for row, part in table.groupby("row", sort=False):
        for rule in dict.fromkeys(part["rule"]):
            cells = {cell["domain"]: cell for cell in records(part[part["rule"] == rule])}
            numbers = [view.unit.cell(cells[name]["mean"]) for name in [*view.targets, MEAN]]
            interval = view.unit.between(cells[MEAN]["low"], cells[MEAN]["high"])
            count = int(cells[MEAN]["n"])
            rows.append([str(row), _RULE_WORDS[rule], Cell(str(count), count), *numbers, interval])
    headings = ("group", "rule", "n", *view.targets, "average", "95% interval")
    numeric = (False, False, *([True] * (len(headings) - 2)))
    note = (
        "Which epoch counts and, where a group has several configurations, which of them. The "
        "oracle selects on the numbers that it reports: an upper bound, not a result. It is not "
        "the oracle of DomainBed, which takes the last epoch and chooses on another part of the "
        f"target than it reports{_of_domainbed(table)}."
    )
    caption = f"{view.unit.name.capitalize()} by rule{view.unit.counted}"
    shown = Table("rules", headings, rows, numeric, caption)
    blocks: list[Block] = [Note(note), *_families(view), shown, *_costs(view)]
    yield Section("rules", "Selection rules side by side", blocks)


def _families(view: StudyView) -> Iterator[Block]:
    """By what augmented validation judges here, and what it compares with what."""
    if not view.epochs[AUGMENTED].notna().any():
        return
    counted = view.facts.judging_families
    by_set: dict[tuple[str, ...], list[str]] = {}
    for method, families in counted.items():
        by_set.setdefault(families, []).append(method)
    if len(by_set) == 1:
        (families,) = by_set
        left_out = [name for name in FAMILIES if name not in families]
        yield Note(
            "Augmented validation is the mean over validation images under "
            f"{plural(len(families), 'family')} of transformations: {listed(list(families))}. "
            + (
                f"Left out, since training uses them: {listed(left_out)}."
                if left_out
                else "No method of the study declares that it trains with one of them."
            )
        )
        return
    most = len(FAMILIES)
    left = [
        (listed([name for name in FAMILIES if name not in families], most=most), methods)
        for families, methods in by_set.items()
    ]
    by_method = [f"{names or 'none'} for {listed(methods)}" for names, methods in left]
    yield Note(
        "Augmented validation judges each trial by validation images under the families of "
        "transformations that its method does not train with, and compares methods after taking "
        "out how hard their families are (least squares on trial plus family). "
        f"Families left out, of {len(FAMILIES)}: {'; '.join(by_method)}."
    )


def _costs(view: StudyView) -> Iterator[Block]:
    """Regret and rank correlation of each rule, over seeds."""
    costs = rule_costs(view.alike, view.epochs, maximise=view.data.maximise)
    if costs.empty or costs["candidates"].max() < _FEWEST:
        return
    unit = view.unit
    rows: Rows = [
        [
            _RULE_WORDS[row["rule"]],
            Cell(str(row["seeds"]), row["seeds"]),
            Cell(str(row["candidates"]), row["candidates"]),
            unit.cell(row["regret"]),
            unit.between(row["regret_low"], row["regret_high"]),
            unit.cell(row["difference"], signed=True) if given(row["difference"]) else "–",
            unit.between(row["low"], row["high"], signed=True),
            f"{row['rho']:.2f}" if given(row["rho"]) else "–",
            _between(row["rho_low"], row["rho_high"]),
        ]
        for row in records(costs_by_rule(costs))
    ]
    yield Table(
        "rule-costs",
        _COST_HEADINGS,
        rows,
        (False, *([True] * (len(_COST_HEADINGS) - 1))),
        "What choosing one configuration of all groups at each seed costs",
    )
    yield Note(
        "Regret: how far the choice stays below the best configuration and epoch of its seed on "
        "the targets. Of several with the same best score the mean counts. The oracle's is 0; "
        "it is the best of noisy numbers, so the true regret is smaller. ρ is Spearman's "
        "between scores and the mean of targets over the configurations of a seed; its interval "
        "is cut at -1 and 1. Means over seeds with 95% t intervals; differences are paired over "
        "seeds."
    )


def _between(low: float | None, high: float | None) -> str:
    """An interval of a correlation, cut where correlations end."""
    if low is None or high is None or not given(low):
        return "–"
    return f"{max(low, -1.0):.2f} to {min(high, 1.0):.2f}"


def _of_domainbed(table: pd.DataFrame) -> str:
    """What the row of DomainBed's oracle is, where there is one."""
    if not (table["rule"] == DOMAINBED).any():
        return ""
    return (
        "; it has a row of its own: every fifth test image chooses, the accuracy is that on the "
        "others. It sees labels of the target, so it is not a result either"
    )
