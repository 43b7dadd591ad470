"""Words on verdicts: better, worse, equivalent, open; and what so many seeds could have found."""

from __future__ import annotations

import math

import pandas as pd

from dgsearch.analysis.equivalence import equivalence_power
from dgsearch.analysis.power import pooled_deviation
from dgsearch.analysis.statistics import TIED, detectable_difference
from dgsearch.designs.decisions import EQUIVALENT
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, records
from dgsearch.wording import plural


def verdict_words(view: StudyView) -> str:
    """What a verdict means, for the note above a table."""
    text = (
        "Verdict: better or worse where Holm p is at most 0.05 and the interval excludes 0; "
        "open otherwise."
    )
    return f"{text} {equivalence_words(view)}"


def equivalence_words(view: StudyView) -> str:
    """What is called equivalent, or why nothing is."""
    if view.rope is None:
        return (
            "Nothing is called equivalent, because the study file sets no region of "
            "practical equivalence ([report] rope) and --rope was not given."
        )
    source = "[report] rope" if view.data.rope is None else "--rope"
    return (
        "Equivalent: two one-sided t tests show that the difference lies within "
        f"±{_rope(view)} ({source}; Holm's correction too), even where it is "
        "significantly different from 0."
    )


def power_sentence(view: StudyView, table: pd.DataFrame) -> str:
    """What the study's pairs could have found, and could have called equivalent.

    Args:
        view: The study.
        table: `compared`.
    """
    found = pooled_deviation(table)
    if not found.comparisons or not math.isfinite(found.pooled):
        return ""
    if found.pooled <= TIED:
        return (
            f"The differences of {plural(found.comparisons, 'comparison')} do not vary over the "
            "seeds, so what these seeds could have found is unknown."
        )
    unit = view.unit
    least = detectable_difference(found.pooled, found.pairs)
    could = (
        "no two-sided test could have found any difference"
        if math.isinf(least)
        else f"one test would have found true differences from {unit.text(least)} {unit.step} on "
        "in 80% of such studies"
    )
    text = (
        f"The differences of {plural(found.comparisons, 'comparison')} have a standard deviation "
        f"of {unit.text(found.pooled)} {unit.step}. With {plural(found.pairs, 'pair')}, {could}"
    )
    if view.rope is None:
        return f"{text}."
    share = equivalence_power(found.pooled, found.pairs, rope=view.rope)
    return f"{text}; one test would have called equal groups equivalent in {share:.0%}."


def alike_sentences(view: StudyView, table: pd.DataFrame) -> list[str]:
    """Which configurations are practically the same as the reference."""
    alike = [str(row["label"]) for row in records(table[table["verdict"] == EQUIVALENT])]
    if not alike:
        return []
    return [
        f"Practically equal to it, within ±{_rope(view)} after Holm's correction: {listed(alike)}."
    ]


def _rope(view: StudyView) -> str:
    return f"{(view.rope or 0.0) * view.unit.scale:.3g} {view.unit.step}".strip()
