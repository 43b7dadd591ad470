"""By which images the configurations of a study are chosen, in words."""

from __future__ import annotations

from dgsearch.report.view import StudyView, selection_domains
from dgsearch.report.words import listed
from dgsearch.study.families import AUGMENTED
from dgsearch.wording import plural


def selection_words(view: StudyView) -> str:
    """What chooses configurations: "the validation images of scan (source)"."""
    domains = selection_domains(view)
    if not domains:
        return "the validation split"
    targets = [name for name in domains if name in view.facts.targets]
    kind = "target" if targets == domains else "source and target" if targets else "source"
    under = ""
    if view.spec.selection == AUGMENTED:
        under = " under the families of transformations that its method does not train with"
    if view.spec.selection == AUGMENTED and not view.facts.levels:
        (families,) = set(view.facts.judging_families.values())
        under = f" under {plural(len(families), 'family')} of transformations"
    return f"the validation images of {listed(domains)} ({kind}){under}"
