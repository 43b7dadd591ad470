"""A study that is as it was when it last ran: planned by what the database keeps of it.

Nothing of torch is imported for it. Whatever is not certainly the same is left to the whole way,
which knows every method and says what is wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dgsearch.database.connection import open_if_there
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.designs.catalogue import Catalogue
from dgsearch.errors import DgsearchError
from dgsearch.runner.declarations import still_declared
from dgsearch.space import Choice
from dgsearch.study import StudySpec, load_study
from dgsearch.study.plan import StudyPlan, compile_study


class Unchanged(NamedTuple):
    """A study that is as it was.

    Attributes:
        plan: The study, compiled.
        facts: Its facts, as stored and as they would be now.
    """

    plan: StudyPlan
    facts: Mapping[str, Any]


def unchanged_study(
    file: Path, database: str | None, *, overrides: Sequence[str] = ()
) -> Unchanged | None:
    """The study in a file, if it, its code and its data are those of the database.

    Args:
        file: The study file.
        database: URL or path; None: the default database.
        overrides: `KEY=VALUE` pairs that replace entries of the file.

    Returns:
        None where anything differs, is wrong, or cannot be told without torch.
    """
    if overrides:
        return None
    try:
        name = tomllib.loads(file.read_text(encoding="utf-8")).get("name")
        engine = open_if_there(database)
        if engine is None or not isinstance(name, str):
            return None
        known = read_facts(engine, name)
        catalogue = _catalogue(known)
        spec = load_study(file, catalogue) if catalogue else None
    except (DgsearchError, OSError, ValueError, RecursionError):
        return None
    if spec is None or spec != known.spec or not _alone(spec, known):
        return None
    return Unchanged(compile_study(spec, lambda name: known.spaces[name]), known.facts)


def _catalogue(known: StudyFacts) -> Catalogue | None:
    """What the study file is checked against: the study's own methods and its benchmark."""
    kept = still_declared(known.facts)
    if kept is None or known.spec is None:
        return None
    spaces = known.spaces
    one_target = frozenset(spaces) if kept["one_target"] else frozenset()
    domains = {known.spec.data.benchmark: tuple(kept["domains"])}
    return Catalogue(spaces, domains, one_target)


def _alone(spec: StudySpec, known: StudyFacts) -> bool:
    """Whether no value names a file, which may have changed, or what only a method can check."""
    open_names = {
        item.name: item.options
        for space in known.spaces.values()
        for item in space
        if isinstance(item, Choice) and item.other
    }
    varied = spec.design.vary
    return not any(
        name in varied or spec.hyperparameters.get(name, options[0]) not in options
        for name, options in open_names.items()
    )
