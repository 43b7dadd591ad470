"""The series of proposals of a study as plain data, and in lines for a person."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dgsearch.database.connection import open_for_reading
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.ledger import Entry, champion_entry, read_ledger
from dgsearch.database.queries import read_studies
from dgsearch.database.snapshot import Database
from dgsearch.designs.judging import BUDGET, CONFIDENCE, KEPT, part_of
from dgsearch.designs.proposals import ROLE, differing, first_champion
from dgsearch.errors import ReportError
from dgsearch.report.view import StudyView
from dgsearch.report.words import ACCURACY, Unit, given, short, unit_of
from dgsearch.study.metrics import ACCURACY as ACCURACY_METRIC
from dgsearch.wording import p_text, plural

UNDECIDED = "undecided"  # while a trial that is needed has not ended


def series_answer(
    database: Database, study: str, positions: Sequence[int] | None = None
) -> dict[str, Any]:
    """What was proposed, what was kept, and what is left of the error budget.

    Args:
        database: Where the study is.
        study: Its name.
        positions: Which proposals to tell; None: all.

    Raises:
        DatabaseError: If the database cannot be read or lacks the study.
        ReportError: If dgsearch did not write the study.
    """
    engine = open_for_reading(database)
    read_studies(engine, study)  # says which studies there are
    facts, entries = read_facts(engine, study), read_ledger(engine, study)
    if facts.spec is None:
        raise ReportError(f"study {study!r} was not written by dgsearch and has no proposals")
    spent, kept = spent_of(entries), champion_entry(entries)
    told = [each for each in entries if positions is None or each.position in positions]
    return {
        "study": study,
        "judged_by": entries[0].asked.judged_by if entries else None,
        "budget": BUDGET,
        "spent": spent,
        "next_part": part_of(len(entries) + 1, spent),
        "confidence": CONFIDENCE,
        "champion": {
            "config_id": kept.asked.proposal if kept else _first(facts),
            "kept_as": kept.kept_as if kept else None,
            "changes": champion_changes(facts, entries),
        },
        "proposals": [_told(entry) for entry in told],
    }


def spent_of(entries: Sequence[Entry]) -> float:
    """What is spent of the error budget: the parts of those that were not kept."""
    return math.fsum(entry.part for entry in entries if entry.decision != KEPT)


def champion_changes(facts: StudyFacts, entries: Sequence[Entry]) -> dict[str, Any]:
    """In what the champion differs from the configuration with which the series began."""
    kept = champion_entry(entries)
    if kept is None or facts.spec is None:
        return {}
    return differing(kept.asked.values, first_champion(facts.spec, facts.space, ()))


def unit_of_study(facts: StudyFacts) -> Unit:
    """How the outcome of a study is written."""
    metric = facts.spec.selecting if facts.spec else ACCURACY_METRIC
    return ACCURACY if metric == ACCURACY_METRIC else unit_of(facts.facts["metrics"][metric])


def _first(facts: StudyFacts) -> str | None:
    if facts.spec is None or facts.plan is None:
        return None
    return first_champion(facts.spec, facts.space, facts.plan.configurations).config_id


def _told(entry: Entry) -> dict[str, Any]:
    verdict = entry.verdict
    return {
        "position": entry.position,
        "changes": dict(entry.asked.changes),
        "config_id": entry.asked.proposal,
        "champion": entry.asked.champion,
        "decision": entry.decision or UNDECIDED,
        "kept_as": entry.kept_as,
        "seeds": verdict.seeds,
        "pairs": verdict.pairs,
        "gain": verdict.difference,
        "low": verdict.low,
        "high": verdict.high,
        "p": verdict.p,
        "part": entry.part,
        "noise": math.sqrt(entry.noise.variance),
        "noise_weight": entry.noise.weight,
    }


def series_lines(database: Database, answer: Mapping[str, Any]) -> Iterator[str]:
    """`series_answer` in words."""
    unit = unit_of_study(read_facts(open_for_reading(database), answer["study"]))
    for row in answer["proposals"]:
        begun = row["decision"] == UNDECIDED
        told = _begun(answer["study"], row) if begun else _doubt(row, unit)
        yield f"  {row['position']:>3} {row['decision']:<10} {_changes(row['changes'])}: {told}"
    champion = answer["champion"]
    if champion["kept_as"]:
        yield (
            f"{answer['study']}: the champion is {_changes(champion['changes'])} "
            f"(configuration {champion['config_id']})"
        )
    else:
        yield f"{answer['study']}: the champion is the study's own configuration"
    yield (
        f"  error budget: {answer['spent']:.4f} of {answer['budget']:g} spent; the next proposal "
        f"is kept if p <= {answer['next_part']:.2g}"
    )


def _changes(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {short(value)}" for name, value in changes.items())


def _begun(study: str, row: Mapping[str, Any]) -> str:
    """What a proposal without a decision has cost, and the command that decides it."""
    wanted = ",".join(f"{name}={value}" for name, value in row["changes"].items())
    return (
        f"begun, {row['part']:.2g} of the error budget is spent on it; to decide it: "
        f"dgsearch judge {shlex.quote(study)} --proposal {shlex.quote(wanted)}"
    )


def _doubt(row: Mapping[str, Any], unit: Unit) -> str:
    """A gain with its doubt."""
    if not row["pairs"]:
        return "no pair of seeds has finished"
    parts = [plural(row["pairs"], "pair")]
    if given(row["low"]):
        parts.append(f"95% {unit.between(row['low'], row['high'], signed=True)}")
    text = p_text(row["p"]) if row["p"] < 0.001 else f"= {p_text(row['p'])}"
    parts.append(f"p {text}, needed <= {row['part']:.2g}")
    return f"{unit.signed(row['gain'])} {unit.step}".rstrip() + f" ({', '.join(parts)})"


def proposed_count(view: StudyView) -> int:
    """How many configurations were proposed to `dgsearch judge`; no other section has them."""
    trials = view.data.trials
    return int(trials.loc[(trials["role"] == ROLE).fillna(False), "config_id"].nunique())
