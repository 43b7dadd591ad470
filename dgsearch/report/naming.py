"""Which configuration of a study is meant: by its id, its name, a trial or its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from dgsearch.analysis.selection import hyperparameter_column
from dgsearch.errors import ReportError, one_of
from dgsearch.report.view import StudyView

_LEAST_ID = 4  # characters of an id that stand for it
_TRIAL = re.compile(r"trial[ :]?(\d+)")
_SHOWN = 12


def find_configuration(view: StudyView, text: str) -> str:
    """The config_id of a configuration with finished trials.

    Args:
        view: The study.
        text: Its config_id or at least four characters of it; "reference"; "trial 7"; its name
            on the page, such as "T = 10" or a variant or method; or settings such as
            "lr=0.001,T=10" that it alone has. "best" is the one that validation chooses.

    Raises:
        ReportError: If none is meant, or several are.
    """
    for found in _meanings(view, text):
        if len(found) == 1:
            return found[0]
        if found:
            raise ReportError(
                f"{text!r} is {len(found)} configurations of study {view.facts.name!r}: "
                f"{_listed(view, found)}; name one by its id"
            )
    names = [*view.names.values()][:_SHOWN]
    raise ReportError(
        f"{text!r} is no configuration of study {view.facts.name!r} that has finished; give a "
        "config_id, 'best', 'reference', 'trial N', settings such as lr=0.001, or a name; "
        f"{one_of(text, names)}"
    )


def _meanings(view: StudyView, text: str) -> Iterator[Sequence[str]]:
    """What the text can mean, the surest first: ids of configurations, none where it cannot."""
    first = view.done.drop_duplicates("config_id")
    ids = [str(name) for name in first["config_id"]]
    yield [name for name in ids if name == text]
    if text == "best":
        yield [] if view.chosen is None else [view.chosen]
    if text == "reference":
        yield [] if view.reference is None else [view.reference]
    if trial := _TRIAL.fullmatch(text):
        yield list(view.done.loc[view.done["trial_number"] == int(trial[1]), "config_id"])
    bare = _bare(text)
    yield [name for name, called in view.names.items() if _bare(called) == bare]
    yield list(first.loc[first["variant"].fillna("") == text, "config_id"])
    yield list(first.loc[first["method"].fillna("") == text, "config_id"])
    if "=" in text:
        yield _of_settings(first, text)
    if len(text) >= _LEAST_ID:
        yield [name for name in ids if name.startswith(text)]


def _of_settings(first: pd.DataFrame, text: str) -> list[str]:
    """Configurations that have all of the settings; none where one is unknown."""
    for setting in text.split(","):
        name, _, value = (part.strip() for part in setting.partition("="))
        column = hyperparameter_column(first, name)
        if column not in first:
            return []
        first = first[[_equal(found, value) for found in first[column]]]
    return list(first["config_id"])


def _equal(found: object, text: str) -> bool:
    """Whether a stored value is what a text says: numbers by their value."""
    try:
        return float(str(found)) == float(text)
    except ValueError:
        return str(found) == text


def _bare(text: str) -> str:
    return "".join(text.split())


def _listed(view: StudyView, found: Sequence[str]) -> str:
    shown = ", ".join(f"{name} ({view.names.get(name, '')})" for name in found[:_SHOWN])
    return shown + (" and more" if len(found) > _SHOWN else "")
