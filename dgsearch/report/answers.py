"""Answers about a study as plain data: which is best, is B better than A, what is decided?

They rest on the numbers of the page: finished trials, shared seeds, paired differences with
their interval and their exact sign-flip test. A configuration is meant by its id, its name, a
trial or its settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.adaptive import REFERENCE, seed_decisions
from dgsearch.analysis.comparison import LEVEL, compare_columns, tied_with_best
from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.judging import JUDGING, looks_at_scores, trials_by_rule
from dgsearch.analysis.selection import MEAN, hyperparameter_column
from dgsearch.analysis.statistics import HUGE, fewest_pairs, mean_interval
from dgsearch.database.connection import open_for_reading
from dgsearch.database.constraints import read_infeasible
from dgsearch.database.declared import read_declared
from dgsearch.database.facts import read_facts
from dgsearch.database.frames import hyperparameter_columns
from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.snapshot import Database
from dgsearch.designs.decisions import OPEN
from dgsearch.errors import ReportError, one_of
from dgsearch.report.failed_seeds import failed_seeds
from dgsearch.report.front_answer import front_answer
from dgsearch.report.repeats import once_where_equal
from dgsearch.report.study_data import StudyData
from dgsearch.report.view import StudyView, study_view
from dgsearch.report.words import given, records

_LEAST_ID = 4  # characters of an id that stand for it
_TRIAL = re.compile(r"trial[ :]?(\d+)")
_SHOWN = 12


def find_configuration(view: StudyView, text: str) -> str:
    """The config_id of a configuration with finished trials.

    Args:
        view: The study.
        text: Its config_id or at least four characters of it; "reference"; "trial 7"; its name
            on the page, such as "T = 10" or a variant or method; or settings such as
            "lr=0.001,T=10" that it alone has. "best" is that of `best_answer`.

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
        yield [best_answer(view)["best"]["config_id"]] if view.has_results else []
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


RULES = (*JUDGING, "oracle")
_MOST_TIED = 200  # candidates; comparing each with the best takes their number squared


def answer_view(
    database: Database, study: str, *, rule: str | None = None, rope: float | None = None
) -> StudyView:
    """A study as its answers see it: without curves and scores, which they do not need.

    By another rule than the study's own, its trials have value and targets at the epoch that the
    rule takes. Differences within plus and minus `rope` count as none; None: as its file says.

    Raises:
        DatabaseError: If the database cannot be read or lacks the study.
    """
    engine = open_for_reading(database)
    trials, facts = read_trials(engine, study), read_facts(engine, study)
    if not facts.spec:
        trials = trials[~trials["trial_number"].isin(read_infeasible(engine, study))]
    maximise = read_declared(engine, study).objectives[0].maximised
    judged = looks_at_scores(facts, rule)
    none = pd.DataFrame()
    asked = judged or facts.design.limits or facts.design.goals
    scores = read_scores(engine, study) if asked else none
    if judged:
        trials = trials_by_rule(trials, scores, facts, rule=rule, maximise=maximise)
        if trials["value"].isna().all() and rule != facts.rule:
            raise ReportError(
                f"--rule {rule!r}: study {study!r} has no score that this rule looks at; it was "
                "run by an older dgsearch or written by another program, so take another rule"
            )
    data = StudyData(facts, trials, none, scores, none, maximise=maximise, rope=rope)
    return once_where_equal(study_view(data, {}))


def best_answer(view: StudyView, *, rule: str | None = None) -> dict[str, Any]:
    """The configuration of the best mean over shared seeds, and those that it is not told from.

    Baselines are no candidates. Of a search that has confirmed some of its proposals, only
    these are.

    Args:
        view: The study, by `answer_view` with the same rule.
        rule: What is averaged: accuracy on "validation" images, on "augmented" ones, or "oracle",
            the mean over the targets, which is no estimate of what a user would get; None: the
            study's own.

    Raises:
        ReportError: If the rule is unknown, or no trial has finished.
    """
    rule = view.facts.rule if rule is None else rule
    if rule not in RULES:
        raise ReportError(f"--rule {rule!r}: is unknown; {one_of(rule, RULES)}")
    _check_results(view)
    column = view.outcome if rule == "oracle" else "value"
    candidates = _candidates(view)
    held = candidates[column].clip(-HUGE, HUGE)  # means of a foreign study overflow nowhere
    candidates = candidates.assign(**{column: held})
    wide = candidates.pivot_table(index="seed", columns="config_id", values=column, sort=False)
    few = wide.shape[1] <= _MOST_TIED
    table = tied_with_best(wide if few else _highest(view, wide), maximise=view.data.maximise)
    (best,) = records(table[table["best"]])
    own = view.done[view.done["config_id"] == best["row"]]
    tied = records(table[table["tied"] & ~table["best"]]) if few else []
    return {
        **_head(view),
        "rule": rule,
        "candidates": int(wide.shape[1]),
        "infeasible": len(view.infeasible),
        "shared_seeds": int(best["seeds"]),
        "best": _configuration(view, str(best["row"])),
        "validation": _interval(own["value"]),
        "targets": {name: _interval(own[f"accuracy/{name}"]) for name in (MEAN, *view.targets)},
        "not_told_apart": [
            {**_called(view, str(row["row"])), "mean": row["common"], "p": row["p_best"]}
            for row in tied
        ]
        if few
        else None,
        "not_compared": int((~table["ranked"]).sum()),
        **front_answer(view),
    }


def compare_answer(view: StudyView, a: str, b: str, *, rule: str | None = None) -> dict[str, Any]:
    """Configuration B against configuration A, paired over the seeds that both have.

    Args:
        view: The study, by `answer_view` with the same rule.
        a: The one to compare with, as `find_configuration` understands it.
        b: The other one.
        rule: By what each trial's epoch is chosen: "validation" or "augmented"; None: the study's
            own.

    Raises:
        ReportError: If the rule or one of them is unknown, or both are the same.
    """
    rule = view.facts.rule if rule is None else rule
    if rule not in JUDGING:
        raise ReportError(f"--rule {rule!r}: is unknown; {one_of(rule, JUDGING)}")
    _check_results(view)
    first, second = find_configuration(view, a), find_configuration(view, b)
    if first == second:
        raise ReportError(f"{a!r} and {b!r} are the same configuration {first}; name another one")
    domains = {name: f"accuracy/{name}" for name in view.targets}
    head = _paired(view, view.outcome, first, second)
    return {
        **_head(view),
        "rule": rule,
        "a": _configuration(view, first),
        "b": _configuration(view, second),
        "rope": view.rope,
        **head,
        "verdict": _verdicts(view, pd.DataFrame([head]), "p")[0],
        "validation": _paired(view, "value", first, second),
        "targets": {
            name: _paired(view, column, first, second) for name, column in domains.items()
        },
    }


def decisions_answer(view: StudyView) -> dict[str, Any]:
    """Every configuration against the study's reference, with what is decided about it.

    Of adaptive seeds these are the study's own decisions. Elsewhere one is "better" or "worse"
    where the 95% interval of its difference leaves zero out and the sign-flip p, corrected for
    all of them by Holm, is at most 0.05; "equivalent" where two one-sided t tests, corrected
    likewise, show that the difference lies within the region of practical equivalence, if there
    is one; else it is "open".

    Raises:
        ReportError: If the study has no reference.
    """
    _check_results(view)
    rule = view.plan.rule if view.design.adds_seeds else None
    return {
        **_head(view),
        "rule": "repeated confidence intervals" if rule else "95% interval and Holm's p",
        "confidence": rule.confidence if rule else 1 - LEVEL,
        "margin": rule.margin if rule else None,
        "rope": None if rule else view.rope,
        **(_decided(view) if rule else _corrected(view)),
    }


def _decided(view: StudyView) -> dict[str, Any]:
    """The decisions of adaptive seeds."""
    table = seed_decisions(view.data.trials, view.facts)
    (reference,) = records(table[table["verdict"] == REFERENCE])
    names = ("verdict", "seeds", "pairs", "difference", "low", "high")
    failed = failed_seeds(view)
    return {
        "reference": _called(view, str(reference["config_id"])),
        "pairs_needed": None,
        "configurations": [
            {
                **_called(view, str(row["config_id"])),
                **{name: row[name] for name in names},
                "failed_seeds": failed.get(str(row["config_id"]), []),
            }
            for row in records(table[table["verdict"] != REFERENCE])
        ],
    }


def _corrected(view: StudyView) -> dict[str, Any]:
    """Comparisons with the reference, corrected together."""
    if view.reference is None:
        raise ReportError(
            f"study {view.facts.name!r} has no finished reference to decide against "
            f"(design.kind = {view.design.kind!r}); name two configurations: dgsearch compare "
            "STUDY A B"
        )
    wide = view.done.pivot_table(
        index="seed", columns="config_id", values=view.outcome, sort=False
    )
    table = compare_columns(wide, view.reference)
    table = table[table["row"] != view.reference]
    rows = records(table.assign(verdict=_verdicts(view, table, "p_holm")))
    names = ("pairs", "difference", "low", "high", "p", "p_holm", "smallest_p", "detectable")
    failed = failed_seeds(view)
    return {
        "reference": _called(view, view.reference),
        "pairs_needed": fewest_pairs(LEVEL / max(1, len(rows))),
        "configurations": [
            {
                **_called(view, str(row["row"])),
                "verdict": row["verdict"],
                "failed_seeds": failed.get(str(row["row"]), []),
                **{name: row[name] for name in names},
            }
            for row in rows
        ],
    }


def _head(view: StudyView) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "study": view.facts.name,
        "metric": view.metric if view.facts.spec else "value",
        "higher_is_better": view.data.maximise,
    }


def _check_results(view: StudyView) -> None:
    if not view.has_results:
        raise ReportError(
            f"study {view.facts.name!r}: no trial has finished yet with a number on every "
            "target; `dgsearch status` shows how far it is"
        )


def _candidates(view: StudyView) -> pd.DataFrame:
    """Finished trials among whose configurations the best is chosen."""
    own = view.alike[view.alike["role"] != "baseline"]
    own = own if len(own) else view.alike
    return view.candidates(own)


def _highest(view: StudyView, wide: pd.DataFrame) -> pd.DataFrame:
    """The best column with one other: it alone is asked for where there are too many."""
    from dgsearch.analysis.shared_seeds import balanced, best_column

    best = best_column(wide, maximise=view.data.maximise)
    return balanced(wide)[[best]]


def _paired(view: StudyView, column: str, first: str, second: str) -> dict[str, Any]:
    """B less A in one column."""
    done = view.done[view.done["config_id"].isin([first, second])]
    wide = done.pivot_table(index="seed", columns="config_id", values=column)
    (row,) = records(compare_columns(wide.dropna()[[first, second]], first).iloc[1:])
    names = ("pairs", "difference", "low", "high", "p", "smallest_p", "detectable")
    both = wide.dropna()
    means = {"mean_a": both[first].mean(), "mean_b": both[second].mean()}
    return means | {name: row[name] for name in names}


def _verdicts(view: StudyView, table: pd.DataFrame, p: str) -> list[str]:
    """What is said of each difference, by the p values of this column (`with_verdicts`)."""
    judged = with_verdicts(table, rope=view.rope, maximise=view.data.maximise, p=p)
    return [str(verdict) or OPEN for verdict in judged["verdict"]]


def _configuration(view: StudyView, config_id: str) -> dict[str, Any]:
    """A configuration with its hyperparameters and seeds."""
    trials = view.trials[view.trials["config_id"] == config_id]
    (row,) = records(trials.head(1))
    columns = [name for name in hyperparameter_columns(trials.columns) if name != "row"]
    values = {name.removeprefix("param_"): row[name] for name in columns if given(row[name])}
    done = view.done[view.done["config_id"] == config_id]
    return {
        **_called(view, config_id),
        "method": row["method"],
        "role": row["role"],
        "variant": row["variant"] or None if given(row["variant"]) else None,
        "varied": {name: row[column] for name, column in view.varied.items()},
        "hyperparameters": values,
        "seeds": sorted(int(seed) for seed in done["seed"]),
        "failed_seeds": failed_seeds(view).get(config_id, []),
    }


def _called(view: StudyView, config_id: str) -> dict[str, Any]:
    """How a configuration is called."""
    name = view.names.get(config_id)
    if name is None:  # none of its trials has finished
        trials = view.trials[view.trials["config_id"] == config_id]
        name = view.name_of(records(trials.head(1))[0]) if len(trials) else None
    return {"config_id": config_id, "name": name}


def _interval(values: Sequence[float]) -> dict[str, Any]:
    return mean_interval(list(values))._asdict()
