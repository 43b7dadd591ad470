"""The proposals that were judged: each against the champion of its time."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.database.ledger import OVERTAKEN, Entry, champion_entry
from dgsearch.designs.judging import BUDGET, DROPPED, FAILED, KEPT, OPEN, part_of
from dgsearch.report.parts import Cell, Note, Rows, Section, Table
from dgsearch.report.proposals import UNDECIDED, champion_changes, spent_of
from dgsearch.report.view import StudyView
from dgsearch.report.words import short, short_cell
from dgsearch.wording import p_text, plural

_WORDS = {
    KEPT: "kept",
    DROPPED: "dropped",
    OPEN: "open",
    OVERTAKEN: "better than a former champion",
    FAILED: "failed",
    UNDECIDED: "undecided",
}


def proposal_sections(view: StudyView) -> Iterator[Section]:
    """Who is champion, what the error budget is, and a row for each proposal."""
    entries = view.data.ledger
    if not entries:
        return
    rows: Rows = [_row(view, entry) for entry in entries]
    headings = (
        "proposal", "change", "pairs", f"gain, {view.unit.step}", "95% interval", "p",
        "kept if p is at most", "decision",
    )  # fmt: skip
    numeric = (True, False, True, True, True, True, True, False)
    table = Table("proposals", headings, rows, numeric, "Proposals in their order")
    notes = [Note(_champion(view)), Note(_explained(view))]
    yield Section("proposals", "Proposals", [*notes, table])


def _row(view: StudyView, entry: Entry) -> list[str | Cell]:
    verdict = entry.verdict
    return [
        Cell(str(entry.position), entry.position),
        ", ".join(
            f"{view.label(name)} = {short(value)}" for name, value in entry.asked.changes.items()
        ),
        short_cell(verdict.pairs),
        view.unit.cell(verdict.difference, signed=True),
        view.unit.between(verdict.low, verdict.high, signed=True),
        Cell(p_text(verdict.p), verdict.p),
        Cell(f"{entry.part:.2g}", entry.part),
        _WORDS.get(entry.decision or UNDECIDED, str(entry.decision)),
    ]


def _champion(view: StudyView) -> str:
    kept = champion_entry(view.data.ledger)
    if kept is None:
        return (
            f"Of {plural(len(view.data.ledger), 'proposal')} none was kept: the champion is the "
            "configuration of the study."
        )
    changes = ", ".join(
        f"{view.label(name)} = {short(value)}"
        for name, value in champion_changes(view.facts, view.data.ledger).items()
    )
    return (
        f"The champion is the configuration of the study with {changes} (proposal "
        f"{kept.position}, configuration {kept.asked.proposal})."
    )


def _explained(view: StudyView) -> str:
    entries = view.data.ledger
    spent = spent_of(entries)
    outcome = entries[0].asked.judged_by
    compared = view.outcome_words if outcome == "targets" else "what validation measures"
    seen = (
        " The champion was chosen by the targets, so its own numbers there are too good: repeat "
        "them at other seeds, or on other domains."
        if outcome == "targets" and champion_entry(entries)
        else ""
    )
    return (
        f"Each proposal was compared with the champion of its time in {compared}, over paired "
        f"seeds, and kept where the one-sided p was at most its part of an error budget. With at "
        f"most {BUDGET * 100:g}% probability any proposal of the whole series that is no better "
        f"is kept, however long it becomes; {spent:.4f} of {BUDGET:g} is spent, and the next "
        f"proposal gets {part_of(len(entries) + 1, spent):.2g}. The intervals allow for looking "
        "after 4, 6, 8, 12 and 16 seeds, not for the number of proposals; a positive gain is "
        "better. The noise is pooled over the series, for differences that are roughly normal."
        + seen
    )
