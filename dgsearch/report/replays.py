"""Rules that stop trials early, replayed on a study: for its page and the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dgsearch.analysis.judging import looks_at_scores, on_one_level
from dgsearch.analysis.replay import (
    LEAST_CURVES,
    MOST_CURVES,
    Advice,
    Curves,
    advise,
    full_curves,
    replay,
)
from dgsearch.analysis.stopping import StoppingRule, default_rules, parse_rule
from dgsearch.database.connection import open_for_reading
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.database.snapshot import has_own_tables
from dgsearch.errors import ReportError
from dgsearch.files import atomic_write
from dgsearch.report.study_data import StudyData, read_stages
from dgsearch.report.view import StudyView, study_view
from dgsearch.report.words import Unit, given, records
from dgsearch.wording import plural, were

if TYPE_CHECKING:
    import rich.table

_ORDERS = 50
_MOST_CURVES = 250  # of a search of very many trials
_TOLERANCE = 0.01  # of an accuracy
_OF_DEVIATION = 0.1  # of other outcomes: this share of the trials' standard deviation


@dataclass(frozen=True)
class Replayed:
    """What the page and the command show.

    Attributes:
        table: `replay`, what saves most first.
        advice: What to write under `[halving]` of the next study.
        blocks: The curves, one block a seed.
        stopped: Trials that were stopped early and are left out.
    """

    table: pd.DataFrame
    advice: Advice
    blocks: Sequence[Curves]
    stopped: int


def replayed(
    view: StudyView,
    *,
    rules: Sequence[StoppingRule] = (),
    orders: int = _ORDERS,
    tolerance: float | None = None,
) -> Replayed | None:
    """Replay rules on the design's own points; None where full curves are too few.

    Args:
        view: The study.
        rules: Those of the user; the common ones are always there.
        orders: Of arrival.
        tolerance: What may be lost, as the values are stored; None: the region of practical
            equivalence of the study file; without it a point of accuracy, or a tenth of the
            trials' standard deviation.
    """
    points = view.done[~view.done["role"].isin(["baseline", "variant"])]
    if view.data.thinned is not None:  # the page names how many curves it replays
        points = points.iloc[:: max(1, len(points) // _MOST_CURVES)]
    blocks = full_curves(
        points,
        view.data.curves,
        view.data.stages,
        outcome=view.outcome,
        maximise=view.data.maximise,
    )
    if not blocks:
        return None
    first = blocks[0].values
    tried = list(dict.fromkeys([*rules, *default_rules(first.shape[1], len(first))]))
    tolerance = view.rope if tolerance is None else tolerance
    if tolerance is None:
        spread = float(np.concatenate([block.final for block in blocks]).std())
        tolerance = _TOLERANCE if view.unit.bounds else _OF_DEVIATION * spread
    table = replay(blocks, tried, orders=orders).sort_values(
        "saved", ascending=False, kind="stable"
    )
    advice = advise(blocks, tried, tolerance=tolerance)
    stopped = int((view.points["state"] == "PRUNED").sum())
    return Replayed(table, advice, blocks, stopped)


def replayed_text(found: Replayed) -> str:
    """What was replayed, and what it cannot say."""
    counts = [len(block.values) for block in found.blocks]
    epochs = found.blocks[0].values.shape[1]
    seeds = plural(len(counts), "seed")
    text = (
        f"Replayed on {plural(sum(counts), 'curve')} of {epochs} epochs at {seeds}, one after "
        f"another in {found.table['replays'].iloc[0]} random orders of arrival; intervals hold "
        "95% of the orders. Regret is the value of the best trial less that of the trial that is "
        "chosen after stopping, both trained to the end. Halving decides as the engine does."
    )
    if max(counts) == MOST_CURVES:
        text += f" Of a seed with more curves {MOST_CURVES} are drawn at random."
    if found.stopped:
        text += (
            f" {plural(found.stopped, 'trial')} of the study {were(found.stopped)} stopped early "
            "and left out, because their final values are unknown: the remaining curves are of "
            "survivors, so every rule looks safer than it is."
        )
    return text


def advice_text(advice: Advice, unit: Unit) -> str:
    """The recommended setting with its doubt."""
    lose = f"{unit.text(advice.tolerance)} {unit.step}".strip()
    if advice.rule is None:
        most = f"; the safest does in {advice.kept:.0%}" if given(advice.kept) else ""
        return (
            f"Recommended: no halving. No setting loses at most {lose} in 90% of "
            f"{advice.subsets} subsets of the trials{most}."
        )
    return (
        f"Recommended for trials like these: grace_epochs = {advice.rule.grace_epochs} and "
        f"keep_one_in = {advice.rule.keep_one_in} under [halving]. Over {advice.subsets} subsets "
        f"of the trials, each without its best few, it saves {advice.saved:.0%} of the time (95% "
        f"of the subsets: {advice.saved_low:.0%} to {advice.saved_high:.0%}) and loses "
        f"{unit.text(advice.regret)} {unit.step} on average, at most "
        f"{unit.text(advice.regret_high)} in 95% of them; it loses at most {lose} in "
        f"{advice.kept:.0%}. {advice.again:.0%} of the subsets alone would recommend the same "
        "setting. Other hyperparameters, methods or data may need another."
    )


def replay_study(
    database: str | os.PathLike[str] | None,
    study: str,
    *,
    rules: Sequence[str] = (),
    orders: int = _ORDERS,
    points: float | None = None,
    output: Path | None = None,
) -> tuple[StudyView, Replayed]:
    """What `dgsearch replay` answers with.

    Args:
        database: URL or path; None: the default database.
        study: Its name.
        rules: Further rules, as on the command line.
        orders: Of arrival.
        points: What may be lost, as it is shown: percentage points for an accuracy.
        output: A CSV file for the table.

    Raises:
        DatabaseError: If the database cannot be read or lacks the study.
        ReportError: If a rule is wrong, or the study has too few curves.
    """
    asked = [parse_rule(text) for text in rules]
    view = _view(database, study)
    tolerance = None if points is None else points / view.unit.scale
    found = replayed(view, rules=asked, orders=orders, tolerance=tolerance)
    if found is None:
        raise ReportError(
            f"study {study!r} has no seed with {LEAST_CURVES} finished configurations of at least "
            "three epochs; run more of it, without [halving] if all trials are stopped"
        )
    if output is not None:
        with atomic_write(output) as part:
            found.table.to_csv(part, index=False)
    return view, found


def replay_parts(view: StudyView, found: Replayed) -> Iterator[str | rich.table.Table]:
    """What `dgsearch replay` prints for a person."""
    yield _terminal_table(view, found)
    yield replayed_text(found)
    yield advice_text(found.advice, view.unit)


def replay_answer(view: StudyView, found: Replayed) -> dict[str, Any]:
    """What it tells a program: numbers as they are stored, not as they are shown."""
    advice = found.advice
    rule = advice.rule
    return {
        "study": view.facts.name,
        "rules": records(found.table),
        "stopped": found.stopped,
        "advice": advice._asdict()
        | {"rule": rule and {"grace_epochs": rule.grace_epochs, "keep_one_in": rule.keep_one_in}},
    }


def _view(database: str | os.PathLike[str] | None, study: str) -> StudyView:
    """The study as its page sees it, without what only other sections need."""
    engine = open_for_reading(database)
    facts = read_facts(engine, study)
    trials, curves = read_trials(engine, study), read_curves(engine, study)
    scores = read_scores(engine, study) if looks_at_scores(facts, None) else pd.DataFrame()
    trials, curves = on_one_level([trials, curves], trials, scores, facts)
    stages = pd.DataFrame({"trial_number": [], "seconds": []})
    data = StudyData(
        facts=facts,
        trials=trials,
        curves=curves,
        scores=scores,
        stages=read_stages(engine, study) if has_own_tables(engine) else stages,
    )
    return study_view(data, {})


def _terminal_table(view: StudyView, found: Replayed) -> rich.table.Table:
    import rich.table  # no page needs it

    table = rich.table.Table()
    unit = view.unit
    for heading in ("rule", "time saved", "hours saved", "regret", "best lost", "on the targets"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for row in records(found.table):
        hours = f"{row['hours']:.2f}" if given(row["hours"]) else "–"
        target = unit.signed(-row["target_regret"]) if given(row["target_regret"]) else "–"
        table.add_row(
            row["rule"],
            f"{row['saved']:.0%} ({row['saved_low']:.0%} to {row['saved_high']:.0%})",
            hours,
            f"{unit.text(row['regret'])} ({unit.between(row['regret_low'], row['regret_high'])})",
            f"{row['lost']:.0%}",
            target,
        )
    return table
