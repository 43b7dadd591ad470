"""What a page says of a teacher that was given: whose it is, and what it can do by itself."""

from __future__ import annotations

import math
from pathlib import PurePath

from dgsearch.analysis.diagnostics import last_diagnostics
from dgsearch.analysis.statistics import mean_interval
from dgsearch.report.view import StudyView
from dgsearch.report.words import ACCURACY, listed
from dgsearch.wording import plural

_ACCURACY = "teacher_accuracy_student_domain"


def given_teacher(view: StudyView) -> str:
    """File and network of the given teacher; empty where the teacher was trained."""
    teacher = view.spec.teacher
    return f"{PurePath(teacher.file).name} ({teacher.network})" if teacher else ""


def trained_on(view: StudyView) -> str:
    """The source, or that there is none because the teacher was given."""
    return ", ".join(view.spec.data.source) or "no source: the teacher was given"


def teacher_sentences(view: StudyView) -> list[str]:
    """The accuracy of a given teacher on the student's domain: what a student has to beat."""
    if not given_teacher(view) or view.data.scores.empty:
        return []
    last = last_diagnostics(view.data.scores)
    if _ACCURACY not in last:
        return []
    known = last[_ACCURACY].dropna()
    seeds = view.trials.set_index("trial_number")["seed"].reindex(known.index)
    found = mean_interval(known.groupby(seeds).mean().tolist())  # the same for trials of a seed
    interval = ACCURACY.between(found.low, found.high)
    doubt = "" if math.isnan(found.low) else f", 95% interval {interval} %"
    return [
        f"The given teacher {given_teacher(view)} classifies {ACCURACY.text(found.mean)} % of the "
        f"validation images of {listed(list(view.facts.targets))} correctly "
        f"({plural(found.n, 'seed')}{doubt})."
    ]
