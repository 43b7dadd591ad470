"""The sections that only tell: every trial, and what was run on what."""

from __future__ import annotations

import pandas as pd

from dgsearch.analysis.selection import accuracy_columns
from dgsearch.database.facts import StudyFacts
from dgsearch.report.parts import Section, Table
from dgsearch.report.words import epoch_rule, given, label, points_text, records, short

__all__ = ["provenance_section", "trials_section"]


def trials_section(facts: StudyFacts, trials: pd.DataFrame) -> Section:
    """Every trial as a row."""
    domains = accuracy_columns(trials)
    labels = [label(facts, name) for name in facts.varied]
    headings = ["trial", "method", "state", "seed", *labels, "validation, %", *domains, "seconds"]
    rows = []
    for row in records(trials):
        rows.append(
            [
                str(row["trial_number"]),
                short(row["method"]),
                f"{row['state']}"
                + (f", {row['stop_reason']}" if given(row["stop_reason"]) else ""),
                short(row["seed"]),
                *(short(row[name]) for name in facts.varied),
                points_text(row["value"]),
                *(points_text(row[column]) for column in domains.values()),
                "–" if not given(row["wall_s"]) else f"{row['wall_s']:.1f}",
            ]
        )
    numeric = [True, False, False, *([True] * (len(headings) - 3))]
    return Section("trials", "Trials", table=Table(headings, rows, numeric))


def provenance_section(facts: StudyFacts) -> list[Section]:
    """Method, data, machine and versions; nothing for a study that dgsearch did not write."""
    if not facts.spec:
        return []
    known = facts.facts
    machine = known["machine"]
    rows = [
        ["method", f"{facts.method}: {known['summaries'].get(facts.method, '')}"],
        ["seeds", ", ".join(str(seed) for seed in facts.spec["seeds"])],
        ["data", f"{facts.spec['data']['benchmark']}, fingerprint {known['data_fingerprint']}"],
        ["images", ", ".join(f"{name} {count}" for name, count in known["images"].items())],
        ["epoch that counts", epoch_rule(facts)],
        ["configurations are chosen by", "accuracy on the source's validation split"],
        ["machine", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"],
        ["accelerators", ", ".join(machine["gpus"]) or "none"],
        ["versions", ", ".join(f"{name} {text}" for name, text in known["versions"].items())],
        ["Python", known["python"]],
        ["git revision", known["git_revision"] or "none"],
        ["registered", f"{facts.created_at:%Y-%m-%d %H:%M} UTC"],
    ]
    return [
        Section(
            "provenance",
            "What was run",
            table=Table(("what", "value"), rows, (False, False)),
        )
    ]
