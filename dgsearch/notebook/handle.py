"""One study in a notebook: a name and a database, shown as a table, read as frames."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from dgsearch.analysis.adaptive import seed_decisions
from dgsearch.analysis.augmented import Judging, judgings
from dgsearch.analysis.front import candidates_of, infeasible, on_the_front, with_goals
from dgsearch.analysis.judging import JUDGING, looks_at_scores, trials_by_rule
from dgsearch.analysis.selection import finished, hyperparameter_column
from dgsearch.database.connection import open_for_reading
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.predictions import read_predictions
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.database.snapshot import Database
from dgsearch.database.tables import STATES
from dgsearch.errors import DatabaseError, one_of
from dgsearch.notebook import summaries
from dgsearch.study.families import AUGMENTED
from dgsearch.study.metrics import ACCURACY
from dgsearch.study.objectives import goal_of

_SHOWN_ROWS = 5


def open_study(database: Database = None, study: str | None = None) -> Study:
    """A study of a database, for a notebook.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.
        study: Its name; None where the database has one only.

    Raises:
        DatabaseError: If the database cannot be read, has no such study, or has several and
            none is named.
    """
    engine = open_for_reading(database)
    names = read_studies(engine, study, columns=["study"])["study"].tolist()
    if study is None:
        if len(names) != 1:
            raise DatabaseError(f"the database has {len(names)} studies; name one: {names}")
        study = names[0]
    return Study(engine, study)


class Study:
    """A study that is read anew at each call; every method gives a frame."""

    def __init__(self, database: Database, name: str) -> None:
        """Remember where the study is."""
        self._engine = open_for_reading(database)
        self.name = name

    @property
    def facts(self) -> StudyFacts:
        """Its study file, spaces, versions and machine."""
        return read_facts(self._engine, self.name)

    def trials(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_trials` of this study, with its filters."""
        frame: pd.DataFrame = read_trials(self._engine, self.name, **filters)
        return frame

    def curves(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_curves` of this study, with its filters."""
        frame: pd.DataFrame = read_curves(self._engine, self.name, **filters)
        return frame

    def scores(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_scores` of this study, with its filters."""
        frame: pd.DataFrame = read_scores(self._engine, self.name, **filters)
        return frame

    def predictions(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_predictions` of this study, with its filters."""
        frame: pd.DataFrame = read_predictions(self._engine, self.name, **filters)
        return frame

    def over_seeds(self, column: str = "value", *, constant: bool = True) -> pd.DataFrame:
        """Mean and interval over seeds of each configuration, best mean first.

        Args:
            column: What is averaged.
            constant: Whether to keep study, config_id and the columns in which no two
                configurations differ.
        """
        table = summaries.over_seeds(self._by(None), column)
        ascending = column == "value" and not self._maximise()
        ordered: pd.DataFrame = table.sort_values(
            "mean", ascending=ascending, kind="stable", ignore_index=True
        )
        if constant:
            return ordered
        return ordered.drop(columns=["study", "config_id", *_constant(ordered)])

    def best(self, rule: str | None = None, targets: Sequence[str] | None = None) -> pd.DataFrame:
        """The configuration that a rule chooses, from what is stored.

        Of a search with several objectives it is the whole `front`, unless the oracle chooses:
        its first row is the best by the first objective.

        Args:
            rule: "validation", "augmented" (validation under transformations) or "oracle"; the
                study's own if not given.
            targets: Target domains, which the oracle looks at; as in the study file if not given.
        """
        facts = self.facts
        rule = facts.rule if rule is None else rule
        if len(facts.design.goals) > 1 and rule != "oracle":
            return self.front(rule)
        named = facts.targets if targets is None else targets
        seeds = facts.spec.seeds if facts.spec and facts.design.adds_seeds else None
        trials = self._by(rule)
        if seeds is not None:
            trials = trials[trials["seed"].isin(seeds)]  # those that every configuration has
        if rule == AUGMENTED:
            trials = trials.assign(**{AUGMENTED: trials["value"]})
        trials = self._within(trials, facts)
        return summaries.best(trials, rule=rule, targets=named, maximise=self._maximise())

    def front(self, rule: str | None = None) -> pd.DataFrame:
        """The Pareto front of a search with several objectives, as `dgsearch best` shows it.

        Args:
            rule: "validation" or "augmented": the trials as that rule would have recorded them;
                None: the study's own.

        Returns:
            One row a configuration that no other one dominates, the best by the first objective
            first: config_id, the hyperparameters that the search varies, seeds (shared by those
            that may be chosen), of each objective its mean `<name>` with `<name>/low` and
            `<name>/high` (95% t interval; NaN for one seed), and best_by (the objectives by which
            none is better).

        Raises:
            DatabaseError: If the study has one objective, or the rule is unknown.
        """
        facts = self.facts
        if facts.spec is None or len(facts.design.goals) < 2:
            raise DatabaseError(
                f"study {self.name!r} is no search of dgsearch with several objectives "
                "(design.objectives), so it has no front; take best()"
            )
        _check_rule(rule)
        goal = goal_of(facts.spec)
        done = finished(self._by(rule))
        points = with_goals(done, self.scores(), goal, targets=facts.targets)
        points = points[points["role"] == "point"]
        front = on_the_front(points, goal, candidates_of(points, facts.design))
        varied = [hyperparameter_column(done, name) for name in facts.varied]
        first = done.drop_duplicates("config_id").set_index("config_id")[varied]
        table = front.drop(columns=["efficient", "feasible"]).merge(
            first, left_on="config_id", right_index=True, how="left"
        )
        columns: pd.DataFrame = table[["config_id", *varied, *table.columns[1 : -len(varied)]]]
        return columns

    def _by(self, rule: str | None, judging: Judging | None = None) -> pd.DataFrame:
        """The trials as a rule would have recorded them; None: as the study's own did."""
        facts = self.facts
        looks = judging is not None or looks_at_scores(facts, rule)
        return trials_by_rule(
            self.trials(),
            self.scores() if looks else pd.DataFrame(),
            facts,
            rule=rule,
            judging=judging,
            maximise=self._maximise(),
        )

    def _judgings(self, other: Study) -> Sequence[Judging]:
        """By what the trials of this study and of another one are judged, on one level."""
        studies = [
            (each.trials(), each.scores(), each.facts.judging_families) for each in (self, other)
        ]
        return judgings(studies, metric=self.facts.spec.selecting if self.facts.spec else ACCURACY)

    def _within(self, trials: pd.DataFrame, facts: StudyFacts) -> pd.DataFrame:
        """The trials less those of configurations that violate a constraint, unless all do."""
        if facts.spec is None or not facts.design.limits:
            return trials
        goal, done = goal_of(facts.spec), finished(trials)
        weighed = with_goals(done, self.scores(), goal, targets=facts.targets)
        points = weighed[weighed["role"] == "point"]
        kept = trials[~trials["config_id"].isin(list(infeasible(points, goal)))]
        return kept if (kept["role"] == "point").any() else trials

    def grid(
        self, rows: str, columns: str, *, values: str = "value", show: str = "mean"
    ) -> pd.DataFrame:
        """A table of two hyperparameters; see `dgsearch.notebook.grid`."""
        return summaries.grid(self._by(None), rows, columns, values=values, show=show)

    def compare(
        self,
        other: Study,
        column: str = "value",
        *,
        match: str = "configuration",
        rule: str | None = None,
    ) -> pd.DataFrame:
        """The other study against this one; see `dgsearch.notebook.compare`.

        Verdicts on "value" and accuracies take the region of practical equivalence of this
        study's file ([report] rope).

        Args:
            other: The other study.
            column: What is compared.
            match: As of `dgsearch.notebook.compare`.
            rule: "validation" or "augmented": both studies as that rule would have recorded them,
                on one level of the families of transformations that judge their trials; None:
                each by its own.

        Raises:
            DatabaseError: If the rule is unknown.
        """
        _check_rule(rule)
        spec = self.facts.spec
        if rule is None and self.facts.rule == other.facts.rule:
            rule = self.facts.rule
        first, second = self._judgings(other) if rule == AUGMENTED else (None, None)
        return summaries.compare(
            self._by(rule, first),
            other._by(rule, second),
            column,
            match=match,
            rope=spec.report.rope if spec else None,
            maximise=column != "value" or self._maximise(),
        )

    def decisions(self) -> pd.DataFrame:
        """Seeds and decision of each configuration of an adaptive study; see `seed_decisions`."""
        return seed_decisions(self.trials(), self.facts)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self._counts().items())
        return f"<Study {self.name!r}: {counts or 'no trials'}>"

    def _repr_html_(self) -> str:
        """Its counts and its best configurations, as a notebook shows them."""
        counts = " · ".join(f"{count} {state}" for state, count in self._counts().items())
        question = self.facts.question
        lines = [
            f"<h4>{escape(self.name)}</h4>",
            f"<p>{escape(question)}</p>" if question else "",
            f"<p>{counts or 'no trials'}</p>",
        ]
        table = self.over_seeds(constant=False).head(_SHOWN_ROWS)
        if len(table):
            cells = table.astype(object).where(table.notna(), "–")
            lines.append("<p>Best mean value over seeds, with its 95% interval:</p>")
            lines.append(cells.to_html(index=False, border=0, float_format="{:.4g}".format))
        return "\n".join(line for line in lines if line)

    def _counts(self) -> dict[str, int]:
        """Trials by state, without states that no trial is in."""
        (row,) = read_studies(self._engine, self.name).to_dict("records")
        return {state: int(row[state.lower()]) for state in STATES if row[state.lower()]}

    def _maximise(self) -> bool:
        (direction,) = read_studies(self._engine, self.name, columns=["direction"])["direction"]
        return bool(direction == "MAXIMIZE")


def _constant(table: pd.DataFrame) -> list[str]:
    """Columns other than the numbers in which no two rows differ."""
    names = [name for name in table.columns if name not in (*summaries.STATISTICS, "study")]
    names = [name for name in names if name != "config_id"]
    return [name for name in names if table[name].dropna().astype(str).nunique() <= 1]


def _check_rule(rule: str | None) -> None:
    if rule is not None and rule not in JUDGING:
        raise DatabaseError(f"rule: {rule!r} is unknown; {one_of(rule, JUDGING)}")
